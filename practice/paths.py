"""Paths on this machine that are made of names from elsewhere: of keys in S3, above all.

A key is any text. Taken as a path, one leads out of the directory that its object is meant for, and two can be the same
file. A key that names no file of its own below the directory is refused, and never bent into one that does.

SageMaker forbids the same names where it makes files of keys:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html (CompressionType)
"""

from __future__ import annotations

from pathlib import Path

_LONGEST = 255


class UnusableKeyError(ValueError):
    """A key that cannot be a file below a directory; the message names it, and says why."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"The key {key!r} cannot be a file in a directory: {reason}. Give the object another key.")


def path_of(directory: Path, key: str, folder: str = "") -> Path:
    """The file below the directory that a key stands for; the directories above it are made.

    The directory stands for ``folder``, with which the key begins.
    """
    name = key.removeprefix(folder)
    for part in name.split("/"):
        if reason := _complaint(part):
            raise UnusableKeyError(key, reason)
    path = directory / name
    try:
        if not path.resolve().is_relative_to(directory.resolve()):
            raise UnusableKeyError(key, "a link on its path leads out of the directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise UnusableKeyError(key, "there is a directory of its name")
    except (FileExistsError, NotADirectoryError) as error:
        raise UnusableKeyError(key, "another object is a file where this one needs a directory") from error
    except OSError as error:
        raise UnusableKeyError(key, f"the file system says {error.strerror}") from error
    return path


def _complaint(part: str) -> str:
    """Why no file or directory can have this part of a key as its name, if so."""
    if not part:
        return "it has an empty part: a slash at its beginning or end, or two in a row"
    if part in (".", ".."):
        return f"it has the part {part!r}, which names another directory"
    if "\0" in part:
        return "it has a NUL character"
    if len(part.encode(errors="surrogatepass")) > _LONGEST:
        return f"it has a part of more than {_LONGEST} bytes"
    return ""
