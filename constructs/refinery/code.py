"""The code that Glue runs."""

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

_ROOT = Path(__file__).parents[2]


class RefineryCode(Construct):
    """A script for each job, and one archive of what they share: the pure Spark functions and the contracts.

    Glue puts the archive on Python's path as it is, so a job imports the very modules that the tests import.

    Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html (--extra-py-files)
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._library = assets.Asset(
            self,
            "Library",
            path=str(_ROOT),
            ignore_mode=IgnoreMode.GIT,
            exclude=["/*", "!/contracts", "!/jobs", "/jobs/glue", "/jobs/training", "__pycache__", "*.pyc"],
        )
        self.library_url = self._library.s3_object_url
        self._scripts: dict[str, assets.Asset] = {}

    def script_url(self, name: str) -> str:
        """Where the script ``jobs/glue/<name>.py`` lies."""
        if name not in self._scripts:
            path = _ROOT / "jobs" / "glue" / f"{name}.py"
            self._scripts[name] = assets.Asset(self, name.title().replace("_", ""), path=str(path))
        return self._scripts[name].s3_object_url

    def grant_read(self, grantee: iam.Role, name: str) -> None:
        """Let the role fetch the script and what it imports, and nothing else of the CDK's bucket."""
        for asset in (self._library, self._scripts[name]):
            grantee.add_to_policy(
                iam.PolicyStatement(
                    actions=["s3:GetObject"], resources=[asset.bucket.arn_for_objects(asset.s3_object_key)]
                )
            )
