"""``AWS::Glue::SecurityConfiguration``, which MiniStack's CloudFormation does not know though its Glue does."""

from __future__ import annotations

from collections.abc import Mapping

from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    name = properties.get("Name", f"{stack_name}-{logical_id}")
    given = properties["EncryptionConfiguration"]
    # CloudFormation's plural of the one list differs from the API's.
    encryption = {("S3Encryption" if key == "S3Encryptions" else key): value for key, value in given.items()}
    client("glue").create_security_configuration(Name=name, EncryptionConfiguration=encryption)
    return name, {}


def _update(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> tuple[str, Attributes]:
    """Every property of this type requires replacement on AWS."""
    _delete(physical_id, old)
    return _create(physical_id, {"Name": physical_id, **new}, "")


def _delete(physical_id: str, _properties: Properties) -> None:
    client("glue").delete_security_configuration(Name=physical_id)


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    "AWS::Glue::SecurityConfiguration": {"create": _create, "update": _update, "delete": _delete},
}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Nothing to replace."""
