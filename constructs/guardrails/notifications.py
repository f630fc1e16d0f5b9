"""Where the sandbox tells what somebody should know."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
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
