"""The generated pages. Importing the stacks puts ``constructs/`` on the import path."""

import stacks  # noqa: F401
