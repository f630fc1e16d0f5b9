"""How training gets its data (guide 6.2)."""

from enum import StrEnum


class InputMode(StrEnum):
    """What SageMaker does with a channel before the script sees it.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
    """

    FILE = "File"
    """Copies it to the instance before training begins."""

    FAST_FILE = "FastFile"
    """Shows it as files that are read from S3 when the script opens them."""

    PIPE = "Pipe"
    """Streams it through a pipe, for a single pass."""
