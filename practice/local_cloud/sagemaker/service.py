"""Amazon SageMaker, which MiniStack does not have: domains, feature groups, pipelines and the model registry.

A module per kind of thing provides the operations; what none provides is refused with a message that says so.
``POST /_sandbox/feature-store/flush`` delivers at once what would otherwise wait to be written to offline stores;
``POST /_sandbox/training-jobs/interrupt?name=...`` takes the machines of a spot training job away;
``POST /_sandbox/studio/stopping?seconds=...`` has apps stay in Deleting.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from practice.local_cloud.feature_store import offline as feature_store_offline
from practice.local_cloud.feature_store import runtime as feature_store_runtime
from practice.local_cloud.hooks import APP, RESPONSES, ROUTER
from practice.local_cloud.sagemaker import (
    app,
    cloudformation,
    domain,
    feature_groups,
    model_registry,
    processing_jobs,
    space,
    studio,
    training_jobs,
    tuning_jobs,
    user_profile,
)
from practice.local_cloud.sagemaker import pipelines as sagemaker_pipelines
from practice.local_cloud.sagemaker import tags as sagemaker_tags
from practice.local_cloud.sagemaker.api import ApiError, Operation, Record, Request
from practice.local_cloud.sagemaker.model import Api
from practice.local_cloud.service import Operations, Route

LOG = logging.getLogger("sagemaker")

API = Api("sagemaker", "ValidationException")


def _none(member: str, _: Request) -> Record:
    return {member: []}


OPERATIONS: Mapping[str, Operation] = {
    **app.OPERATIONS,
    **domain.OPERATIONS,
    **feature_groups.OPERATIONS,
    **model_registry.OPERATIONS,
    **sagemaker_pipelines.OPERATIONS,
    **processing_jobs.OPERATIONS,
    **space.OPERATIONS,
    **sagemaker_tags.OPERATIONS,
    **training_jobs.OPERATIONS,
    **tuning_jobs.OPERATIONS,
    **user_profile.OPERATIONS,
    # what nobody can create here
    "ListEndpoints": partial(_none, "Endpoints"),
    "ListNotebookInstances": partial(_none, "NotebookInstances"),
}
_TARGET = "SageMaker."
_STATUS = {"ResourceNotFound": 404, "InternalFailure": 500}

_one_at_a_time = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagemaker")

Answer = tuple[int, dict[str, str], bytes]


async def handle_request(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Sequence[str]]
) -> Answer:
    """Answer a request signed for SageMaker: of its control plane, or of the Feature Store runtime.

    The control plane's operations run one after the other and off the event loop, since they call S3 and Glue; the
    runtime's are in memory and quick.
    """
    target = headers.get("x-amz-target", "")
    try:
        if target.startswith(_TARGET):
            run = contextvars.copy_context().run
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(_one_at_a_time, run, _control, target.removeprefix(_TARGET), body)
        else:
            found = feature_store_runtime.answer(method, path, query, body)
    except ApiError as error:
        return _error(error.code, str(error))
    except Exception as error:
        LOG.exception("%s %s %s", method, path, target)
        return _error("InternalFailure", f"internal error of the local cloud: {type(error).__name__}: {error}")
    answer: Answer = RESPONSES.json_response(found)
    return answer


def _control(name: str, body: bytes) -> Record:
    if name not in OPERATIONS:
        raise ApiError(
            "UnknownOperationException",
            f"the local cloud does not emulate SageMaker's {name}; it has domains, user profiles, spaces, apps, "
            "feature groups, pipelines, training, processing and tuning jobs, model packages, their groups, and tags.",
        )
    return API.call(name, OPERATIONS[name], json.loads(body or b"{}"))


def _error(code: str, message: str) -> Answer:
    answer: Answer = RESPONSES.error_response_json(code, message, _STATUS.get(code, 400))
    return answer


async def flush(_: Mapping[str, str]) -> dict[str, Any]:
    return await asyncio.to_thread(feature_store_offline.flush)


RESOURCE_HANDLERS: Mapping[str, Operations] = cloudformation.RESOURCE_HANDLERS
ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", "/_sandbox/feature-store/flush"): flush,
    ("POST", "/_sandbox/training-jobs/interrupt"): training_jobs.interrupt,
    ("POST", "/_sandbox/studio/stopping"): studio.set_stopping_seconds,
}


def install() -> None:
    """Have what is signed for SageMaker come here.

    The router finds a service it does not know too, but only after it has loaded botocore's model of every service.
    """
    ROUTER.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": [_TARGET]}
    APP.SERVICE_HANDLERS["sagemaker"] = handle_request
    cloudformation.install()
