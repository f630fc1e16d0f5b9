"""What the command line tells instead of a traceback."""


class PracticeError(RuntimeError):
    """Something the learner can put right; the message says how."""
