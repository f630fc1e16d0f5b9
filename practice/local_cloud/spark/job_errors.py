"""Says why a job script failed, in the words of Glue: a line a reader can act on, and no frame of Java.

Source: ErrorMessage of failed runs as people report them, for example "Error Category: UNCLASSIFIED_ERROR; Failed Line
Number: 24; An error occurred while calling o158.toDF. Unable to parse file: MXvideos.csv". The categories:
https://docs.aws.amazon.com/glue/latest/dg/monitor-job-insights.html
"""

from __future__ import annotations

import re
import traceback

_JAVA_FRAME = re.compile(r"\s+at |\s+\.\.\. \d+ (more|common frames)")
_JAVA_CLASS = re.compile(r"^(?:[\w$]+\.)+[\w$]+: ")
_LOST_TASK = re.compile(r"^.*Lost task .*? executor \w+\): ")
_TRACEBACK = "Traceback (most recent call last):"
_CATEGORIES = {
    "AnalysisException": "QUERY_ERROR",
    "ImportError": "IMPORT_ERROR",
    "ModuleNotFoundError": "IMPORT_ERROR",
    "ParseException": "QUERY_ERROR",
    "SyntaxError": "SYNTAX_ERROR",
}


def error_message(error: BaseException, script: str) -> str:
    """The ErrorMessage of the run that ended with this error."""
    name = type(error).__name__
    parts = [f"Error Category: {_CATEGORIES.get(name, 'UNCLASSIFIED_ERROR')}"]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    if lines:
        parts.append(f"Failed Line Number: {lines[-1]}")
    if name == "Py4JJavaError":
        text = str(error)
        parts.append(f"{text.splitlines()[0].strip()} {cause(text)}")
    elif type(error).__module__.startswith("pyspark."):
        parts.append(f"{name}: {cause(str(error))}")
    else:
        parts.append(f"{name}: {error}" if str(error) else name)
    return "; ".join(parts)


def cause(text: str) -> str:
    """What started it: the last exception of a chain, or the last line of Python's if a Python worker failed."""
    lines = [line for line in text.splitlines() if line.strip() and not _JAVA_FRAME.match(line)]
    beginnings = [i for i, line in enumerate(lines) if line.startswith("Caused by: ")]
    chain = lines[beginnings[-1] :] if beginnings else lines
    for i, line in enumerate(chain):
        if _TRACEBACK in line:
            return next((last.strip() for last in chain[i + 1 :] if not last.startswith(" ")), line)
    first = next((line for line in chain if not line.startswith("An error occurred while calling ")), "")
    first = _LOST_TASK.sub("", first.removeprefix("Caused by: ").removeprefix(": "))
    return _JAVA_CLASS.sub("", first).strip()
