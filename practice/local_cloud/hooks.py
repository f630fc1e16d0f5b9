"""Every private name of MiniStack that the local cloud relies on, and no way to reach another.

MiniStack is pinned exactly because of these names: they carry no promise. Raising the pin means running
``tests/test_local_cloud_hooks.py``, which fails for each name that is gone.

A service module reaches MiniStack through the objects below only, for example ``S3._buckets``. What it needs
more, it adds here.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar


class MiniStackModule:
    """One MiniStack module, of which only the declared names can be read or replaced.

    It is imported at the first use, because MiniStack reads its settings from the environment while importing.
    """

    declared: ClassVar[dict[str, MiniStackModule]] = {}

    def __init__(self, name: str, *names: str) -> None:
        self.__dict__.update(module_name=f"ministack.{name}", names=frozenset(names))
        self.declared[name] = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module_with(name), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module_with(name), name, value)

    def _module_with(self, name: str) -> ModuleType:
        if name not in self.names:
            raise AttributeError(f"{self.module_name}.{name} is not a declared hook; declare it in {__name__}")
        return import_module(self.module_name)


APP = MiniStackModule("app", "SERVICE_HANDLERS", "_credential_failure", "_routing_params", "app")
ATHENA = MiniStackModule(
    "services.athena",
    "_arn_workgroup",
    "_delete_workgroup",
    "_ensure_default_workgroup",
    "_executions",
    "_get_query_results",
    "_get_table_metadata",
    "_named_queries",
    "_parse_ddl",
    "_run_ddl",
    "_start_query_execution",
    "_stop_query_execution",
    "_tags",
    "_workgroups",
)
CLOUDFORMATION = MiniStackModule("services.cloudformation", "_stacks", "handle_request")
CUSTOM_RESOURCE = MiniStackModule("services.cloudformation.custom_resource", "_pending", "invoke_custom_resource")
EC2 = MiniStackModule(
    "services.ec2",
    "_ACTION_MAP",
    "_aws_pl_id_from_name",
    "_error",
    "_network_interfaces",
    "_p",
    "_parse_filters",
    "_resource_matches_tag_filters",
    "_route_tables",
    "_security_groups",
    "_tags",
    "_vpc_endpoints",
    "_vpce_fields_xml",
)
EVENTBRIDGE = MiniStackModule("services.eventbridge", "_put_events")
FIREHOSE = MiniStackModule(
    "services.firehose",
    "_HANDLERS",
    "_create_delivery_stream",
    "_dest_description",
    "_streams",
    "ingest_from_kinesis_source",
)
GLUE = MiniStackModule(
    "services.glue",
    "_batch_create_partition",
    "_batch_stop_job_run",
    "_crawlers",
    "_create_crawler",
    "_create_job",
    "_create_table",
    "_databases",
    "_delete_table",
    "_get_partitions",
    "_handle_request_sync",
    "_job_runs",
    "_jobs",
    "_partitions",
    "_start_crawler",
    "_start_job_run",
    "_stop_crawler",
    "_tables",
    "_tags",
    "_update_crawler",
    "_update_job",
    "_update_table",
)
IAM_EVALUATOR = MiniStackModule(
    "core.iam_evaluator",
    "ResolvedCredential",
    "SignedRequest",
    "_sigv2_check",
    "find_iam_access_key_account",
    "resolve_credential",
)
KINESIS = MiniStackModule("services.kinesis", "_streams")
LAMBDA = MiniStackModule(
    "services.lambda_svc", "_emit_lambda_logs", "_execute_function_dispatch", "_functions", "subprocess"
)
LAMBDA_RUNTIME = MiniStackModule("core.lambda_runtime", "subprocess")
LOGS = MiniStackModule("services.cloudwatch_logs", "_log_groups")
PROVISIONERS = MiniStackModule(
    "services.cloudformation.provisioners",
    "_CUSTOM_NAME_REPLACEMENT",
    "_REPLACING_PROPERTIES",
    "_RESOURCE_HANDLERS",
    "_STACK_TAG_PROPERTY",
    "_cw_metric_alarm_record",
    "_ec2_rtb_delete",
    "_ec2_sg_delete",
    "_ec2_subnet_delete",
    "_ec2_vpc_create",
    "_ec2_vpc_delete",
    "_ec2_vpc_endpoint_create",
    "_ec2_vpc_endpoint_delete",
    "_ec2_vpc_endpoint_update",
    "_ec2_vpc_update",
    "_firehose_delivery_stream_update",
    "_glue_job_create",
    "_glue_job_update",
    "_kinesis_stream_create",
    "_kinesis_stream_update",
    "_lambda_create",
    "_lambda_update",
    "_s3_create",
    "_s3_update",
    "_sfn_state_machine_create",
    "_sfn_state_machine_update",
)
RESPONSES = MiniStackModule(
    "core.responses",
    "_account_from_sts_session",
    "error_response_json",
    "get_account_id",
    "get_region",
    "json_response",
)
ROUTER = MiniStackModule("core.router", "SERVICE_PATTERNS", "detect_service")
S3 = MiniStackModule("services.s3", "_buckets", "_get_object_data", "_put_object", "_resolve_sse_write_headers")
SIGV4 = MiniStackModule(
    "core.sigv4",
    "decode_header_value",
    "header_signature_failure",
    "parse_header_signature",
    "parse_query_signature",
    "presigned_request_is_expired",
    "request_time_failure",
)
STACKS = MiniStackModule(
    "services.cloudformation.stacks", "_add_event", "_delete_resource", "_extract_deps", "_runs_on_worker_thread"
)
STEP_FUNCTIONS = MiniStackModule(
    "services.stepfunctions",
    "_ExecutionError",
    "_SERVICE_DISPATCH",
    "_add_event",
    "_emit_execution_status_event",
    "_execute_task",
    "_executions",
    "_fail_execution",
    "_find_matching_retrier",
    "_invoke_resource_with_timeout",
    "_run_execution",
    "_run_sub_machine",
    "_scaled_sleep",
    "_state_machines",
    "_tags",
    "now_iso",
)
TAGGING = MiniStackModule("services.tagging", "_COLLECTORS")
