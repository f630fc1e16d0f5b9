"""Region that a job runs in, by whichever variable its service has set.

Glue sets ``AWS_DEFAULT_REGION``, SageMaker ``AWS_REGION``; botocore reads the former alone, and makes no client without
a region. So whoever makes one says it.

Source: https://github.com/boto/botocore, ``configprovider.py``
"""

from __future__ import annotations

import os
from typing import Optional


def region() -> Optional[str]:  # noqa: UP045 - Python 3.9
    """None where nothing says it: botocore then tries what else it knows."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
