"""Where Firehose puts an object: its prefix expressions and its object names.

Source: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html and
https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

MOST_ACTIVE_PARTITIONS = 500
"""Of a stream with dynamic partitioning, at a time.

Source: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
"""

_EXPRESSION = re.compile(r"!\{([A-Za-z]+):([^}]*)\}")
_PATTERN = re.compile(r"'([^']*)'|(([A-Za-z])\3*)|([^A-Za-z']+)")
_TIME_FIELDS = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_DEFAULT_TIME = "!{timestamp:yyyy/MM/dd/HH/}"
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_PARTITION_KEY = "partitionKeyFromLambda"


class PrefixError(ValueError):
    """A prefix that the local cloud cannot evaluate."""


def partition_keys(prefix: str) -> list[str]:
    """The partition keys that the prefix needs from the Lambda function, in order."""
    return [value for namespace, value in _EXPRESSION.findall(prefix) if namespace == _PARTITION_KEY]


def success_prefix(prefix: str, arrival: datetime, keys: Mapping[str, str]) -> str:
    """Evaluate ``Prefix``. Without a timestamp, and without partition keys, the hour is appended, as AWS does."""
    if "!{timestamp:" not in prefix and not partition_keys(prefix):
        prefix += _DEFAULT_TIME
    return _evaluate(prefix, arrival, keys, None)


def error_prefix(error_output_prefix: str | None, prefix: str, arrival: datetime, error_type: str) -> str:
    """Evaluate ``ErrorOutputPrefix``; where it is not given, failures lie under the prefix, by type and hour."""
    template = error_output_prefix or f"{prefix}{error_type}/{_DEFAULT_TIME}"
    return _evaluate(template, arrival, {}, error_type)


def object_name(stream_name: str, version: int, arrival: datetime, extension: str) -> str:
    return f"{stream_name}-{version}-{arrival:%Y-%m-%d-%H-%M-%S}-{uuid4()}{extension}"


def check(prefix: str) -> None:
    """Raise :class:`PrefixError` for an expression that will not evaluate."""
    success_prefix(prefix, _ANY_TIME, dict.fromkeys(partition_keys(prefix), ""))


def check_error(prefix: str) -> None:
    """Raise :class:`PrefixError` for an expression that will not evaluate in an error prefix."""
    error_prefix(prefix, "", _ANY_TIME, "processing-failed")


def _evaluate(template: str, arrival: datetime, keys: Mapping[str, str], error_type: str | None) -> str:
    def expand(match: re.Match[str]) -> str:
        match match[1], match[2]:
            case "timestamp", pattern:
                return _format_time(pattern, arrival)
            case "firehose", "random-string":
                return str(uuid4())[:11]
            case "firehose", "error-output-type" if error_type:
                return error_type
            case "partitionKeyFromLambda", key if key in keys:
                return keys[key]
        raise PrefixError(
            f"the expression {match[0]} cannot be used in {template!r}. Known here: !{{timestamp:...}}, "
            "!{firehose:random-string}, in Prefix !{partitionKeyFromLambda:...} and in ErrorOutputPrefix "
            "!{firehose:error-output-type}."
        )

    return _EXPRESSION.sub(expand, template)


def _format_time(pattern: str, time: datetime) -> str:
    """Format as Java's DateTimeFormatter does, for the fields that are at all common in prefixes."""

    def field(match: re.Match[str]) -> str:
        quoted, letters, _, literal = match.groups()
        if letters is None:
            return str(literal if quoted is None else quoted)
        if letters not in _TIME_FIELDS:
            raise PrefixError(
                f"the local cloud does not know {letters!r} in !{{timestamp:{pattern}}}; "
                f"it knows {', '.join(_TIME_FIELDS)}."
            )
        return time.strftime(_TIME_FIELDS[letters])

    return _PATTERN.sub(field, pattern)
