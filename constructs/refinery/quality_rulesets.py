"""What the gates demand of the data (guide 3.6)."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources

_RULES = Path(__file__).parents[2] / "jobs" / "quality"
DATASETS = ("customers", "orders", "customer_features")


class QualityRulesets(Construct):
    """A Glue Data Quality ruleset for each data set that passes a gate, from ``jobs/quality/<data set>.dqdl``.

    As resources of their own they can be read and tried out in the console without touching a job.

    Source: https://docs.aws.amazon.com/glue/latest/dg/dqdl.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, sandbox_name: str) -> None:
        super().__init__(scope, construct_id)
        self.names: Mapping[str, str] = {
            dataset: glue.CfnDataQualityRuleset(
                self,
                dataset.title().replace("_", ""),
                name=f"{sandbox_name}-{dataset.replace('_', '-')}",
                description=f"The gate that {dataset.replace('_', ' ')} pass",
                ruleset=(_RULES / f"{dataset}.dqdl").read_text(encoding="utf-8"),
            ).ref
            for dataset in DATASETS
        }

    def grant_judge(self, grantee: iam.Role) -> None:
        """Let the role of a job fetch the rulesets, and let Glue keep what it finds by them.

        Source: https://docs.aws.amazon.com/glue/latest/dg/data-quality-authorization.html
        """

        def arn(resource: str, name: str) -> str:
            return Stack.of(self).format_arn(service="glue", resource=resource, resource_name=name)

        any_ruleset, any_job = arn("dataQualityRuleset", "*"), arn("job", "*")
        results = ["GetDataQualityResult", "PublishDataQuality"]
        annotations = ["PutDataQualityProfileAnnotation", "PutDataQualityStatisticAnnotation"]
        for actions, resources in (
            (["GetDataQualityRuleset"], [arn("dataQualityRuleset", name) for name in self.names.values()]),
            (results, [any_ruleset]),
            (annotations, [any_ruleset, any_job]),
        ):
            grantee.add_to_policy(
                iam.PolicyStatement(actions=[f"glue:{action}" for action in actions], resources=resources)
            )
        acknowledge_wildcard_resources(
            grantee,
            {
                any_ruleset: "What a job finds belongs to the rules that it was handed, which have no name",
                any_job: "CloudFormation names the job after the role's policy was written",
            },
        )
