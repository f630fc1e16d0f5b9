"""Names that a service keeps for itself or has already, and what of a sandbox is named so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reserved:
    """What a service refuses of a name that derives from the sandbox's."""

    service: str
    derived: tuple[str, ...]
    """The names that the service gets, with ``{name}`` for the sandbox's."""
    refused: Mapping[str, str]
    """What is refused, as a pattern that matches from the beginning, and the reason."""
    source: str


_IN_S3 = "is a prefix that S3 reserves, and the buckets are named after their stack"

RESERVED = (
    Reserved(
        "Athena workgroup",
        ("{name}",),
        {"primary$": "is the workgroup that every account has"},
        "https://docs.aws.amazon.com/athena/latest/ug/workgroups.html",
    ),
    Reserved(
        "S3 bucket",
        ("{name}-lake", "{name}-training"),
        {"xn--": _IN_S3, "sthree-": _IN_S3, "amzn-s3-demo-": _IN_S3},
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    ),
    Reserved(
        "Glue database",
        tuple("{name_}_" + zone for zone in ("raw", "processed", "curated", "features")),
        {"sagemaker_featurestore$": "is where Feature Store keeps tables that have no database of their own"},
        "https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html",
    ),
    Reserved(
        "SageMaker job",
        ("{name}-",),
        {"pipelines-": "is how SageMaker names the jobs of pipelines, which learners would then be allowed to stop"},
        "https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html",
    ),
    Reserved(
        "delivery stream",
        ("{name}-orders-direct", "{name}-orders-from-stream"),
        {"aws-waf-logs-": "is for the logs of AWS WAF"},
        "https://docs.aws.amazon.com/waf/latest/developerguide/logging-kinesis.html",
    ),
    Reserved(
        "stack, role or resource",
        ("{name}",),
        {
            "aws": "begins what AWS names itself, such as tags (aws:), log groups (aws/) and key aliases (aws/)",
            "amazon": "begins what AWS names itself, such as managed policies",
        },
        "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    ),
)


def problems(name: str) -> Iterator[str]:
    """Why a sandbox cannot have the name, a sentence for each service that refuses it."""
    for reserved in RESERVED:
        for derived in reserved.derived:
            given = derived.format(name=name, name_=name.replace("-", "_"))
            for pattern, reason in reserved.refused.items():
                if re.match(pattern, given):
                    yield f"{reserved.service} {given}: {pattern.rstrip('$')} {reason} ({reserved.source})."
                    break
            else:
                continue
            break
