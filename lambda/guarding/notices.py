"""What a guard tells whoever is subscribed."""

from __future__ import annotations

import json
import os
import sys

import boto3

_LONGEST_SUBJECT = 100
"""Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


def tell(subject: str, message: str) -> None:
    """Publish a notice to the sandbox's topic, and note it in the log."""
    boto3.client("sns").publish(TopicArn=os.environ["TOPIC_ARN"], Subject=subject[:_LONGEST_SUBJECT], Message=message)
    sys.stdout.write(json.dumps({"message": "told", "subject": subject, "notice": message}) + "\n")
