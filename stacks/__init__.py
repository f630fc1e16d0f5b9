"""One stack per layer of the guide's lake-house diagram (3.5).

``constructs/`` is an import root, never a package: a package of that name would shadow the PyPI library
``constructs`` that every CDK app needs; ``lambda/`` is another, since its name is a keyword. This is the one place that
puts them on the path for ``app.py``; tests, mypy and editors name them in pyproject.toml.
"""

import sys
from pathlib import Path

_ROOT = Path(__file__).parent.parent

sys.path[:0] = [str(_ROOT / "constructs"), str(_ROOT / "lambda")]
