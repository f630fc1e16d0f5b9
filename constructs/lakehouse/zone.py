"""The zones of the data lake."""

from enum import StrEnum


class Zone(StrEnum):
    """The three zones as the guide defines them (3.5)."""

    RAW = "raw"
    """Unprocessed data as-is."""

    PROCESSED = "processed"
    """Cleaned and validated data."""

    CURATED = "curated"
    """Business-ready, feature-engineered data."""
