"""``AWS::Kinesis::Stream`` with its encryption, which MiniStack drops."""

from __future__ import annotations

from collections.abc import Mapping

from practice.local_cloud.hooks import PROVISIONERS
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    created: tuple[str, Attributes] = PROVISIONERS._kinesis_stream_create(logical_id, properties, stack_name)
    _encrypt(created[0], {}, properties)
    return created


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Attributes]:
    updated: tuple[str, Attributes] = PROVISIONERS._kinesis_stream_update(physical_id, old, new, stack_name)
    _encrypt(updated[0], old, new)
    return updated


def _encrypt(stream: str, old: Properties, new: Properties) -> None:
    if encryption := new.get("StreamEncryption"):
        client("kinesis").start_stream_encryption(StreamName=stream, **encryption)
    elif encryption := old.get("StreamEncryption"):
        client("kinesis").stop_stream_encryption(StreamName=stream, **encryption)


RESOURCE_HANDLERS: Mapping[str, Operations] = {"AWS::Kinesis::Stream": {"create": _create, "update": _update}}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Nothing to replace."""
