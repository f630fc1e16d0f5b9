"""One stack per layer of the guide's lake-house diagram (3.5).

``constructs/`` is an import root, never a package: a package of that name would shadow the PyPI library
``constructs`` that every CDK app needs. This is the one place that puts it on the path for ``app.py``;
tests, mypy and editors name it in pyproject.toml.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "constructs"))
