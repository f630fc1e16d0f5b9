"""Whether the account may run what the settings allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from jobs.training.tuning import MOST_AT_ONCE
from machine_learning.instance_types import PROCESSING_INSTANCE_TYPE
from machine_learning.tuning import Tuning
from practice.doctor.findings import Check, Finding, Verdict
from stacks.settings import Settings

_SPOT = "{} for spot training job usage"
_ON_DEMAND = "{} for training job usage"
_PROCESSING = "{} for processing job usage"
_APPS = "Studio JupyterLab Apps running on {} instances"

_CODES: Mapping[str, str] = {
    _SPOT.format("ml.c5.2xlarge"): "L-4581C083",
    _SPOT.format("ml.c5.4xlarge"): "L-36C5FA8E",
    _SPOT.format("ml.c5.xlarge"): "L-6FA0D387",
    _SPOT.format("ml.m5.2xlarge"): "L-4A823FAB",
    _SPOT.format("ml.m5.4xlarge"): "L-2A6ACFF7",
    _SPOT.format("ml.m5.large"): "L-29688C85",
    _SPOT.format("ml.m5.xlarge"): "L-4CEE6BA6",
    _ON_DEMAND.format("ml.c5.2xlarge"): "L-49679826",
    _ON_DEMAND.format("ml.m5.large"): "L-611FA074",
    _PROCESSING.format("ml.m5.large"): "L-8541302D",
    _APPS.format("ml.g4dn.xlarge"): "L-39F81BFB",
    _APPS.format("ml.m5.large"): "L-3BDCD216",
    _APPS.format("ml.m5.xlarge"): "L-77B8159A",
    _APPS.format("ml.t3.large"): "L-2733D4D5",
    _APPS.format("ml.t3.medium"): "L-71FAF417",
    _APPS.format("ml.t3.xlarge"): "L-61F9C762",
}
"""By name, the codes that are known: a quota is asked for by code, and the answer must carry the name.

Looking all of them up by name would read some twenty pages one after the other, longer than a check may take.
"""

Clients = Callable[[str], Any]


def quota_checks(settings: Settings, client: Clients) -> dict[str, Check]:
    """A check per quota; none keeps the stacks from being deployed, so none blocks."""
    wanted = wanted_quotas(settings)
    checks: dict[str, Check] = {"SageMaker domains": partial(_domains, client("sagemaker"))}
    for name, needed in wanted.items():
        checks[f"Quota: {name}"] = partial(_check, client("service-quotas"), name, needed)
    return checks


def wanted_quotas(settings: Settings) -> dict[str, int]:
    """By name of a quota, how many instances at once the pipeline and a learner may want.

    Each job that a search runs at once counts with all its instances.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html
    """
    at_once = 1 if settings.training_tuning == Tuning.OFF else MOST_AT_ONCE
    training = settings.training_instances * at_once
    return {
        **{_SPOT.format(type_): training for type_ in settings.training_instance_types},
        **{_ON_DEMAND.format(type_): training for type_ in settings.training_instance_types},
        _PROCESSING.format(PROCESSING_INSTANCE_TYPE): 1,
        **{_APPS.format(type_): 1 for type_ in settings.studio_instance_types},
    }


def _check(client: Any, name: str, needed: int) -> Finding:
    where = f"Service Quotas, Amazon SageMaker, '{name}'"
    fix, look = f"Request an increase to {needed} or more: {where}.", f"Look whether it is {needed} or more: {where}."
    if name not in _CODES:
        return Finding(Verdict.UNKNOWN, "its code is not known here", look)
    quota = client.get_service_quota(ServiceCode="sagemaker", QuotaCode=_CODES[name])["Quota"]
    if quota["QuotaName"] != name:
        return Finding(Verdict.UNKNOWN, f"its code now is of {quota['QuotaName']!r}", look)
    value = int(quota["Value"])
    return Finding(Verdict.FINE, str(value)) if value >= needed else Finding(Verdict.WARNS, f"is {value}", fix)


def _domains(client: Any) -> Finding:
    """How many there are; how many there may be, only the console tells."""
    number = len(client.get_paginator("list_domains").paginate().build_full_result()["Domains"])
    if number == 0:
        return Finding(Verdict.FINE, "none in this region")
    fix = "The sandbox makes one more: compare with the quota of domains in Service Quotas, Amazon SageMaker."
    return Finding(Verdict.WARNS, f"{number} in this region", fix)
