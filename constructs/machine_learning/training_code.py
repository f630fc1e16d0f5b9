"""The code that SageMaker runs."""

import gzip
import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

_ROOT = Path(__file__).parents[2]
_SCRIPTS = ("prepare.py", "train.py", "evaluate.py")
_PACKAGES = ("contracts", "jobs/training")


class TrainingCode(Construct):
    """One archive for training and processing: the scripts, and the very modules that the tests import.

    SageMaker's script mode takes a gzipped tar, where a CDK asset of a directory is a zip. The same files make the same
    archive on every machine, and its name is the hash of what is in it, so nothing is uploaded twice.

    Source: https://sagemaker.readthedocs.io/en/stable/frameworks/xgboost/using_xgboost.html
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        content = archive()
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "sourcedir.tar.gz"
            path.write_bytes(gzip.compress(content, mtime=0))
            self._asset = assets.Asset(
                self,
                "Archive",
                path=str(path),
                asset_hash_type=AssetHashType.CUSTOM,
                asset_hash=hashlib.sha256(content).hexdigest(),
            )
        self.url = self._asset.s3_object_url

    def grant_read(self, grantee: iam.Role) -> None:
        """Let the role fetch the archive, and nothing else of the CDK's bucket.

        A processing job lists what its input begins with before it fetches, even if that is one object.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createprocessingjob-perms
        """
        bucket, key = self._asset.bucket, self._asset.s3_object_key
        for actions, resource, conditions in (
            (["s3:GetObject"], bucket.arn_for_objects(key), None),
            (["s3:ListBucket"], bucket.bucket_arn, {"StringLike": {"s3:prefix": f"{key}*"}}),
        ):
            grantee.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions))


def archive() -> bytes:
    """The tar of the scripts and what they import, without anything that differs from machine to machine."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, path in sorted(_files()):
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(entry, file)
    return content.getvalue()


def _files() -> Iterator[tuple[str, Path]]:
    """The name in the archive and the path of each file; the scripts lie at its top, where SageMaker looks for them."""
    for script in _SCRIPTS:
        yield script, _ROOT / "jobs" / "training" / script
    for package in _PACKAGES:
        for path in (_ROOT / package).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                yield path.relative_to(_ROOT).as_posix(), path
