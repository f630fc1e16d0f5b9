"""The folders of a table that is partitioned by day: which days there are, and what lies beside them and is none.

Whoever asks for the days of a table asks here, so a gate and the job behind it choose the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

_MOST_SHOWN = 5


@dataclass(frozen=True)
class DayFolders:
    """The days, in order, and the names of what is no folder of a day."""

    place: str
    column: str
    days: tuple[date, ...]
    strays: tuple[str, ...]

    @classmethod
    def among(cls, uris: Iterable[str], place: str, column: str) -> DayFolders:
        """The folders below a place, told by the objects in them.

        A folder is that of a day if it is named ``<column>=2026-11-20`` and in no other way, though Python reads
        ``20261120`` and ``2026-W47-5`` as days too: by such a name neither Athena nor a job would find it again.
        """
        days = {name: _day(name, column) for name in {uri[len(place) :].split("/")[0] for uri in uris}}
        strays = sorted(name for name, day in days.items() if not day)
        return cls(place, column, tuple(sorted(day for day in days.values() if day)), tuple(strays))

    def newest(self, as_of: date) -> date | None:
        """The last day that is not after another one."""
        return max((day for day in self.days if day <= as_of), default=None)

    @property
    def warning(self) -> str:
        """What to say of the strays; nothing, if there are none."""
        if not self.strays:
            return ""
        more = f" and {len(self.strays) - _MOST_SHOWN:,} more" if len(self.strays) > _MOST_SHOWN else ""
        return (
            f"Warning: nothing reads {', '.join(self.strays[:_MOST_SHOWN])}{more} in {self.place}, which is no folder "
            f"of a day. Name it {self.column}=YYYY-MM-DD, or delete it."
        )


def is_hidden(key: str) -> bool:
    """Whether Spark passes over an object, as it does over its own ``_SUCCESS``, ``_temporary/…`` and ``.part.crc``."""
    return any(part.startswith(("_", ".")) and "=" not in part for part in key.split("/"))


def _day(folder: str, column: str) -> date | None:
    name, _, value = folder.partition("=")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return day if name == column and day.isoformat() == value else None
