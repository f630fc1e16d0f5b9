"""Where the sandbox tells what somebody should know."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from guardrails.acknowledge import acknowledge


class NotificationTopic(sns.Topic):
    """A topic for whoever wants to know; it takes messages over TLS alone and keeps them encrypted.

    An e-mail address, if there is one, is asked once whether it wants to be told.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey, email: str) -> None:
        super().__init__(scope, construct_id, master_key=key, enforce_ssl=True)
        if email:
            subscription = self.add_subscription(subscriptions.EmailSubscription(email))
            undelivered = (
                "What could not be mailed would lie in a queue that nobody reads; its cause is in the console too"
            )
            acknowledge(subscription, {"Serverless-SNSRedrivePolicy": undelivered})

    def accept_from(self, publisher: iam.Role | sfn.StateMachine) -> None:
        """Let a role or a state machine publish, and use the key for that.

        Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        """
        self.grant_publish(publisher)
        both_ways = "The CDK grants data keys with and without their plaintext, to publish to an encrypted topic"
        acknowledge(publisher, {"AwsSolutions-IAM5[Action::kms:GenerateDataKey*]": both_ways})

    def accept_alarms(self, sandbox_name: str) -> None:
        """Let alarms of the sandbox publish; the topic's policy replaces the one by which all of the account could.

        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        """
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="PublishByAlarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic_arn],
                conditions=of_alarms(sandbox_name),
            )
        )


def of_alarms(sandbox_name: str) -> dict[str, dict[str, str]]:
    """The condition that CloudWatch acts for an alarm of this sandbox, as CloudFormation names it after its stack."""
    return {
        "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
        "ArnLike": {
            "aws:SourceArn": f"arn:{Aws.PARTITION}:cloudwatch:{Aws.REGION}:{Aws.ACCOUNT_ID}:alarm:{sandbox_name}-*"
        },
    }
