"""The local cloud's S3 as ``s3://`` in local Spark, which has no S3 client of its own.

The jars of PySpark hold Hadoop's WebHDFS client and ViewFS, which maps a scheme onto another file system. So a small
server in the job's own process speaks WebHDFS on one side and S3 on the other, and a job reads and writes ``s3://``
as it does in Glue, with nothing staged beforehand and nothing to bring back. Whoever asks the server must know the
random first folder of its paths, since every program of this machine, and every web page, can reach it.

Approximate where Glue's committer leaves no trace: what a writer has not committed (``_temporary``, ``.spark-staging``)
lies in memory here, not in the bucket, and is gone with the job. An object appears whole, when it is committed.

Source: https://hadoop.apache.org/docs/r3.3.4/hadoop-project-dist/hadoop-hdfs/WebHDFS.html and
https://hadoop.apache.org/docs/r3.3.4/hadoop-project-dist/hadoop-hdfs/ViewFsOverloadScheme.html
"""

from __future__ import annotations

import json
import secrets
import string
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from botocore.exceptions import ClientError

_ROOT = "/webhdfs/v1"
_BLOCK = 128 * 1024 * 1024
_SMALL, _SMALL_KEPT = 256 * 1024, 1024
"""A small object is fetched whole, where Spark asks for it in a dozen pieces, and so many are kept."""

Status = dict[str, Any]


@contextmanager
def mounted(s3: Any) -> Iterator[Callable[[], dict[str, str]]]:
    """Serve the S3 of this client to Spark; yields what returns the settings that mount its present buckets."""
    server = _Server(s3)
    threading.Thread(target=server.serve_forever, name="glue-s3", daemon=True).start()

    def settings() -> dict[str, str]:
        return spark_settings(server.address, (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]))

    try:
        yield settings
    finally:
        server.shutdown()
        server.server_close()


def spark_settings(address: str, buckets: Iterable[str]) -> dict[str, str]:
    """Spark's settings that make ``s3://<bucket>/`` a folder of this WebHDFS address."""
    links = {f"mounttable.{bucket}.linkFallback": f"{address}/{bucket}" for bucket in buckets}
    view = {"overload.scheme.target.webhdfs.impl": "org.apache.hadoop.hdfs.web.WebHdfsFileSystem", **links}
    return {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        **{f"spark.hadoop.fs.viewfs.{name}": value for name, value in view.items()},
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, s3: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secret = secrets.token_urlsafe()
        self.address = f"webhdfs://127.0.0.1:{self.server_port}/{self.secret}"
        self.files = _Files(s3)

    def place(self, path: str) -> tuple[str, str]:
        """Bucket and key of a path below the secret folder."""
        secret, _, place = path.strip("/").partition("/")
        if not secrets.compare_digest(secret.encode(), self.secret.encode()):
            raise PermissionError("the path does not begin with the secret of this job")
        bucket, _, key = place.partition("/")
        return bucket, key


def _temporary(key: str) -> bool:
    return any(part == "_temporary" or part.startswith(".spark-staging") for part in key.split("/"))


class _Files:
    """Folders and files over the keys of S3, which has neither folders nor renaming."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self._uncommitted: dict[tuple[str, str], bytes] = {}
        self._made: set[tuple[str, str]] = set()
        """Folders without an object yet. They are this process's only, as folders do not exist in S3."""
        self._small: dict[tuple[str, str], str] = {}
        """The ETag that a small object had when it was last looked up."""
        self._body = lru_cache(_SMALL_KEPT)(self._fetch)

    def status(self, bucket: str, key: str) -> Status:
        found = self._look_up(bucket, key)
        if found is None:
            raise FileNotFoundError(f"s3://{bucket}/{key} does not exist")
        return found

    def children(self, bucket: str, key: str) -> list[Status]:
        found = self._inside(bucket, key + "/" if key else "")
        status = _FOLDER if found else self.status(bucket, key)
        return [status] if status["type"] == "FILE" else found

    def _inside(self, bucket: str, prefix: str) -> list[Status]:
        found: dict[str, Status] = {}
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        for page in [] if _temporary(prefix) else pages:
            for item in page.get("Contents", ()):
                if name := item["Key"].removeprefix(prefix):
                    _refuse_unnameable(bucket, item["Key"], name)
                    found[name] = self._seen(bucket, item, name)
            for item in page.get("CommonPrefixes", ()):
                name = item["Prefix"].removeprefix(prefix).removesuffix("/")
                _refuse_unnameable(bucket, item["Prefix"], name)
                if name in found and found[name]["length"]:
                    raise UnnameableKeyError(bucket, prefix + name, "which is an object and the folder of others")
                found[name] = _status(name, 0, 0, kind="DIRECTORY")
        for (other, path), body in list(self._uncommitted.items()):
            if other == bucket and path.startswith(prefix):
                name, _, deeper = path.removeprefix(prefix).partition("/")
                found[name] = _status(name, 0, 0, kind="DIRECTORY") if deeper else _status(name, len(body), 0)
        for other, path in list(self._made):
            if other == bucket and path.startswith(prefix):
                name = path.removeprefix(prefix).partition("/")[0]
                found.setdefault(name, _status(name, 0, 0, kind="DIRECTORY"))
        return [found[name] for name in sorted(found)]

    def read(self, bucket: str, key: str, start: int, length: int | None) -> bytes:
        """A part of a file. A small one is as it was when it was last looked up, which Spark does before it reads."""
        if (bucket, key) in self._uncommitted:
            return self._uncommitted[bucket, key][start : None if length is None else start + length]
        if length == 0:
            return b""
        if etag := self._small.get((bucket, key)):
            return self._body(bucket, key, etag)[start : None if length is None else start + length]
        return self._fetch(bucket, key, start=start, length=length)

    def _fetch(self, bucket: str, key: str, _etag: str = "", start: int = 0, length: int | None = None) -> bytes:
        wanted = f"bytes={start}-" if length is None else f"bytes={start}-{start + length - 1}"
        try:
            return bytes(self._s3.get_object(Bucket=bucket, Key=key, Range=wanted)["Body"].read())
        except ClientError as error:
            match error.response["ResponseMetadata"]["HTTPStatusCode"]:
                case 404:
                    raise FileNotFoundError(f"s3://{bucket}/{key} does not exist") from error
                case 416:
                    return b""
            raise

    def write(self, bucket: str, key: str, body: bytes) -> None:
        self._small.pop((bucket, key), None)
        if _temporary(key):
            self._uncommitted[bucket, key] = body
        else:
            self._s3.put_object(Bucket=bucket, Key=key, Body=body)

    def make_folder(self, bucket: str, key: str) -> None:
        parts = key.split("/")
        self._made.update((bucket, "/".join(parts[: i + 1])) for i in range(len(parts)))

    def rename(self, bucket: str, key: str, to_bucket: str, to_key: str) -> bool:
        """Move a file, or a folder's files one after the other; into the target if that is a folder, as HDFS does."""
        try:
            if self.status(to_bucket, to_key)["type"] == "FILE":
                return False
            to_key = f"{to_key}/{key.rpartition('/')[2]}"
        except FileNotFoundError:
            pass
        if self._file(bucket, key):
            moves = [(key, to_key)]
        else:
            moves = [(path, to_key + path.removeprefix(key)) for path in self._keys(bucket, key + "/")]
            self.make_folder(to_bucket, to_key)
        for source, target in moves:
            if (bucket, source) in self._uncommitted:
                self.write(to_bucket, target, self._uncommitted[bucket, source])
            else:
                self._s3.copy_object(Bucket=to_bucket, Key=target, CopySource={"Bucket": bucket, "Key": source})
        self.delete(bucket, key)
        return True

    def delete(self, bucket: str, key: str) -> bool:
        existed = False
        single = [key] if self._file(bucket, key) else []
        for path in [*single, *self._keys(bucket, key + "/")]:
            existed = True
            if self._uncommitted.pop((bucket, path), None) is None:
                self._s3.delete_object(Bucket=bucket, Key=path)
        gone = {made for made in self._made if made[0] == bucket and (made[1] + "/").startswith(key + "/")}
        self._made -= gone
        return existed or bool(gone)

    def _file(self, bucket: str, key: str) -> bool:
        found = self._look_up(bucket, key)
        return found is not None and found["type"] == "FILE"

    def _look_up(self, bucket: str, key: str) -> Status | None:
        """A file or a folder, mostly with one call: a key is the first of those that begin with it."""
        if (bucket, key) in self._uncommitted:
            return _status("", len(self._uncommitted[bucket, key]), 0)
        if not key:
            self._s3.head_bucket(Bucket=bucket)
            return _FOLDER
        first = None if _temporary(key) else self._first(bucket, key)
        if first and first["Key"] == key:
            return self._seen(bucket, first)
        self._small.pop((bucket, key), None)
        if (bucket, key) in self._made or self._uncommitted_below(bucket, key + "/"):
            return _FOLDER
        # the first may be a neighbour: "table-old" comes before "table/"
        inside = first and (first["Key"].startswith(key + "/") or self._first(bucket, key + "/"))
        return _FOLDER if inside else None

    def _seen(self, bucket: str, item: dict[str, Any], name: str = "") -> Status:
        if item["Size"] <= _SMALL:
            self._small[bucket, item["Key"]] = item["ETag"]
        else:
            self._small.pop((bucket, item["Key"]), None)
        return _status(name, item["Size"], item["LastModified"].timestamp())

    def _first(self, bucket: str, prefix: str) -> dict[str, Any] | None:
        found = self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        return next(iter(found.get("Contents", ())), None)

    def _uncommitted_below(self, bucket: str, prefix: str) -> list[str]:
        return [path for other, path in list(self._uncommitted) if other == bucket and path.startswith(prefix)]

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        yield from self._uncommitted_below(bucket, prefix)
        if not _temporary(prefix):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                yield from [item["Key"] for item in page.get("Contents", ())]


class UnnameableKeyError(OSError):
    """A key that Hadoop has no path for. To read on would be to leave out its rows, or to read others twice."""

    def __init__(self, bucket: str, key: str, reason: str) -> None:
        super().__init__(f"Spark has no path for s3://{bucket}/{key}, {reason}. Give the object another key.")


def _refuse_unnameable(bucket: str, key: str, name: str) -> None:
    """Hadoop takes ``a//b`` for ``a/b`` and ``a/../b`` for ``b``: such a folder would be its own content, without end.

    Its own client for S3 has no way to such keys either: https://issues.apache.org/jira/browse/HADOOP-14675
    """
    if name in ("", ".", ".."):
        raise UnnameableKeyError(bucket, key, f"whose part {name!r} it takes for another folder")
    if name == key.removesuffix("/") and ":" in name:
        raise UnnameableKeyError(bucket, key, "which has a colon at the top of its bucket")


def _status(name: str, length: int, modified: float, kind: str = "FILE") -> Status:
    return {
        # else Hadoop takes what stands before a colon for a scheme
        "pathSuffix": f"./{name}" if ":" in name else name,
        "type": kind,
        "length": length,
        "blockSize": _BLOCK if kind == "FILE" else 0,
        "replication": 1 if kind == "FILE" else 0,
        "permission": "644" if kind == "FILE" else "755",
        "owner": "local",
        "group": "local",
        "accessTime": 0,
        "modificationTime": int(modified * 1000),
    }


_FOLDER = _status("", 0, 0, kind="DIRECTORY")


def _one_block(length: int) -> dict[str, Any]:
    """A file as a single block that is near to nobody, so that Spark splits it by size alone."""
    block = {
        "block": {"blockPoolId": "s3", "blockId": 1, "numBytes": length, "generationStamp": 1},
        "blockToken": {"urlString": "AAAAAA"},
        "cachedLocations": [],
        "isCorrupt": False,
        "locations": [],
        "startOffset": 0,
    }
    return {
        "fileLength": length,
        "isLastBlockComplete": True,
        "isUnderConstruction": False,
        "lastLocatedBlock": block,
        "locatedBlocks": [block],
    }


class _Handler(BaseHTTPRequestHandler):
    """WebHDFS, as far as Spark uses it; any other operation is refused by name."""

    protocol_version = "HTTP/1.1"
    # without it each answer waits 40 ms for the acknowledgement of its own header
    disable_nagle_algorithm = True
    server: _Server

    def _handle(self) -> None:
        url = urlsplit(self._address)
        path = unquote(url.path).removeprefix(_ROOT)
        query = {name.lower(): values[0] for name, values in parse_qs(url.query).items()}
        operation = query.get("op", "").upper()
        try:
            if operation in ("CREATE", "OPEN") and "direct" not in query:
                self._redirect()
                return
            self._answer(*self._result(operation, path, query))
        except Exception as error:
            self._fail(error)

    do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - the names http.server calls

    def _result(self, operation: str, path: str, query: dict[str, str]) -> tuple[int, Any]:  # noqa: C901 - a table
        files = self.server.files
        place = self.server.place(path)
        match operation:
            case "GETHOMEDIRECTORY":
                return 200, {"Path": "/"}
            case "GETFILESTATUS":
                return 200, {"FileStatus": files.status(*place)}
            case "LISTSTATUS":
                return 200, {"FileStatuses": {"FileStatus": files.children(*place)}}
            case "GET_BLOCK_LOCATIONS":
                return 200, {"LocatedBlocks": _one_block(int(query["length"]))}
            case "OPEN":
                length = int(query["length"]) if "length" in query else None
                return 200, files.read(*place, int(query.get("offset", 0)), length)
            case "CREATE":
                files.write(*place, self._body())
                return 201, b""
            case "MKDIRS":
                files.make_folder(*place)
                return 200, {"boolean": True}
            case "RENAME":
                return 200, {"boolean": files.rename(*place, *self.server.place(query["destination"]))}
            case "DELETE":
                return 200, {"boolean": files.delete(*place)}
            case "SETPERMISSION" | "SETTIMES" | "SETOWNER":
                return 200, b""
        raise NotImplementedError(f"the local cloud's S3 has no {operation} for Spark")

    @property
    def _address(self) -> str:
        """What was asked for in ASCII. Hadoop sends other characters as they are, and http.server misreads them."""
        return quote(self.path.encode("latin-1"), safe=string.punctuation)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _redirect(self) -> None:
        """To itself: the client sends data only to where it is redirected, in HDFS a data node."""
        self._body()
        self.send_response(307)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}{self._address}&direct=true")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, answer: Any) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if body is answer else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, error: Exception) -> None:
        missing = isinstance(error, FileNotFoundError)
        remote = {
            "exception": "FileNotFoundException" if missing else "IOException",
            "javaClassName": f"java.io.{'FileNotFoundException' if missing else 'IOException'}",
            "message": str(error),
        }
        self._answer(404 if missing else 403, {"RemoteException": remote})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server gives it
        """Say nothing: the job's output is the job's."""
