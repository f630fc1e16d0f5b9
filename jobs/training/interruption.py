"""A request to stop, which training answers after the round it is in.

SageMaker sends SIGTERM and ends the job 120 seconds later:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html

In its XGBoost container the signal reaches the toolkit, which starts this script as a process of its own and does not
pass the signal on (https://github.com/aws/sagemaker-training-toolkit/issues/125). There, and on a sudden end, what
counts is the last checkpoint of every N rounds. Where the signal does arrive, not even those rounds are lost.
"""

from __future__ import annotations

import signal
from types import FrameType

EXIT_CODE = 128 + signal.SIGTERM
"""As a shell reports a process that SIGTERM ended. SageMaker knows 0 as success and anything else as failure:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html"""


class Interruption:
    """Whether SIGTERM has come."""

    def __init__(self) -> None:
        self.requested = False
        signal.signal(signal.SIGTERM, self._request)

    def _request(self, signum: int, frame: FrameType | None) -> None:
        self.requested = True
