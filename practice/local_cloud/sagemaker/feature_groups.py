"""Feature groups: their definitions, and the stores behind them.

A group is created, or has failed to be, when CreateFeatureGroup answers; AWS takes a while. Deleting one leaves its
offline store in S3 and its Glue table. The role is not assumed, and nothing checks what it may do.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
Not in AWS's documentation: that two features may not differ in their case alone; the columns of a Glue table cannot.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from practice.local_cloud.feature_store import catalog
from practice.local_cloud.feature_store import offline as feature_store_offline
from practice.local_cloud.feature_store.offline import OfflineStore
from practice.local_cloud.feature_store.online import OnlineStore
from practice.local_cloud.loopback import client
from practice.local_cloud.sagemaker import tags
from practice.local_cloud.sagemaker.api import (
    Operation,
    Record,
    Records,
    Request,
    account,
    arn,
    in_use,
    invalid,
    not_found,
    page,
    region,
)

RESERVED = ("is_deleted", "write_time", "api_invocation_time")
MOST_FEATURES = 2500
_UPDATES = ("FeatureAdditions", "OnlineStoreConfig", "ThroughputConfig")


@dataclass(frozen=True)
class FeatureGroup:
    description: Record
    online: OnlineStore | None
    offline: OfflineStore | None


_GROUPS: Records[str, FeatureGroup] = Records()


def find_group(name_or_arn: str) -> FeatureGroup:
    name = name_or_arn.rpartition("/")[2]
    try:
        return _GROUPS.here[name]
    except KeyError:
        raise not_found(f"Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {name}") from None


def _create(request: Request) -> Record:
    name = request["FeatureGroupName"]
    if name in _GROUPS.here:
        raise in_use(f"Resource Already Exists: FeatureGroup with name {name} already exists.")
    _check_stores(request)
    _check_definitions(request["FeatureDefinitions"])
    _check_keys(request)
    now = time.time()
    group_arn = arn(f"feature-group/{name}")
    record: Record = {
        "ThroughputConfig": {"ThroughputMode": "OnDemand"},
        **request,
        "FeatureGroupArn": group_arn,
        "Arn": group_arn,
        "CreationTime": now,
        "LastModifiedTime": now,
        "FeatureGroupStatus": "Created",
        "NextToken": "",
    }
    online = OnlineStore() if _is_online(request) else None
    offline = _create_offline(record)
    _GROUPS.here[name] = FeatureGroup(record, online, offline)
    tags.attach(group_arn, request.get("Tags"))
    return record


def _is_online(request: Request) -> bool:
    return bool(request.get("OnlineStoreConfig", {}).get("EnableOnlineStore"))


def _check_stores(request: Request) -> None:
    offline = request.get("OfflineStoreConfig")
    if not _is_online(request) and not offline:
        raise invalid("the group has no store. Give OfflineStoreConfig, or OnlineStoreConfig with EnableOnlineStore.")
    if offline and not request.get("RoleArn"):
        raise invalid("RoleArn is missing; an offline store is written with a role.")
    if offline and offline.get("TableFormat") == "Iceberg" and offline.get("DisableGlueTableCreation"):
        raise invalid("TableFormat is Iceberg and DisableGlueTableCreation true; Iceberg needs the table. Set false.")


def _check_definitions(definitions: Sequence[Mapping[str, Any]]) -> None:
    names = [definition["FeatureName"] for definition in definitions]
    if reserved := sorted(set(names) & set(RESERVED)):
        raise invalid(f"{', '.join(reserved)}: reserved for the offline store. Rename the feature.")
    if repeated := [name for name, count in Counter(map(str.lower, names)).items() if count > 1]:
        raise invalid(f"{', '.join(repeated)}: defined more than once. Features differ in more than case.")
    if len(names) > MOST_FEATURES:
        raise invalid(f"the group has {len(names)} features; the most is {MOST_FEATURES}.")
    if collections := [d["FeatureName"] for d in definitions if d.get("CollectionType")]:
        raise invalid(f"{', '.join(collections)}: the local cloud emulates no collection types.")


def _check_keys(request: Request) -> None:
    types = {definition["FeatureName"]: definition["FeatureType"] for definition in request["FeatureDefinitions"]}
    for member in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if request[member] not in types:
            raise invalid(f"{member} is {request[member]!r}; it must be among FeatureDefinitions: {', '.join(types)}.")
    event_time = request["EventTimeFeatureName"]
    if types[event_time] == "Integral":
        raise invalid(f"{event_time} is Integral; an event time is String or Fractional.")


def _create_offline(record: Record) -> OfflineStore | None:
    """The store, if the group has one. A group whose store cannot be created has failed."""
    if "OfflineStoreConfig" not in record:
        return None
    config = record["OfflineStoreConfig"]
    storage, created = config["S3StorageConfig"], f"{record['FeatureGroupName']}-{int(record['CreationTime'])}"
    place = f"{account()}/sagemaker/{region()}/offline-store/{created}/data"
    config = {
        "DisableGlueTableCreation": False,
        "TableFormat": "Glue",
        **config,
        "S3StorageConfig": storage | {"ResolvedOutputS3Uri": f"{storage['S3Uri'].rstrip('/')}/{place}"},
    }
    if config["TableFormat"] == "Default":
        config["TableFormat"] = "Glue"
    if not config["DisableGlueTableCreation"]:
        config.setdefault(
            "DataCatalogConfig",
            {
                "Catalog": catalog.DEFAULT_CATALOG,
                "Database": catalog.DEFAULT_DATABASE,
                "TableName": created.lower().replace("-", "_"),
            },
        )
    record.update(OfflineStoreConfig=config, OfflineStoreStatus={"Status": "Active"})
    try:
        client("s3").head_bucket(Bucket=storage["S3Uri"].split("/")[2])
        if catalog.has_own_table(record):
            catalog.create_table(record)
    except ClientError as error:
        reason = f"The offline store {storage['S3Uri']} cannot be created: {error}"
        record.update(FeatureGroupStatus="CreateFailed", FailureReason=reason)
        del record["OfflineStoreStatus"]
        return None
    store = OfflineStore(record)
    feature_store_offline.start(store)
    return store


def _describe(request: Request) -> Record:
    return find_group(request["FeatureGroupName"]).description


def _list(request: Request) -> Record:
    records = [group.description for group in _GROUPS.here.values()]
    return page(request, "FeatureGroupSummaries", records, name="FeatureGroupName")


def _update(request: Request) -> Record:
    """Add features, or change the time to live or the throughput: one of these at a time."""
    group = find_group(request["FeatureGroupName"])
    record = group.description
    given = [name for name in _UPDATES if name in request]
    if len(given) != 1:
        raise invalid(f"the update has {', '.join(given) or 'nothing'}; give one of {', '.join(_UPDATES)} at a time.")
    if record["FeatureGroupStatus"] != "Created":
        raise invalid(f"{record['FeatureGroupName']} is {record['FeatureGroupStatus']}; only a created group changes.")
    if additions := request.get("FeatureAdditions"):
        definitions = [*record["FeatureDefinitions"], *additions]
        _check_definitions(definitions)
        if group.offline and catalog.has_own_table(record):
            catalog.update_table(record | {"FeatureDefinitions": definitions})
        record["FeatureDefinitions"] = definitions
    if online := request.get("OnlineStoreConfig"):
        _update_online(record, online)
    if throughput := request.get("ThroughputConfig"):
        record["ThroughputConfig"] = record["ThroughputConfig"] | throughput
    record.update(LastModifiedTime=time.time(), LastUpdateStatus={"Status": "Successful"})
    return record


def _update_online(record: Record, online: Mapping[str, Any]) -> None:
    """A time to live without unit and value takes the group's away."""
    if not _is_online(record):
        raise invalid(f"{record['FeatureGroupName']} has no online store to update.")
    config = {**record["OnlineStoreConfig"], **online}
    if not (config.get("TtlDuration") or {}).get("Value"):
        config.pop("TtlDuration", None)
    record["OnlineStoreConfig"] = config


def _delete(request: Request) -> None:
    group = find_group(request["FeatureGroupName"])
    del _GROUPS.here[group.description["FeatureGroupName"]]
    tags.forget(group.description["Arn"])
    if group.offline:
        feature_store_offline.finish(group.offline)


OPERATIONS: Mapping[str, Operation] = {
    "CreateFeatureGroup": _create,
    "DescribeFeatureGroup": _describe,
    "ListFeatureGroups": _list,
    "UpdateFeatureGroup": _update,
    "DeleteFeatureGroup": _delete,
}
