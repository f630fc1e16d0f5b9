"""Apps of a SageMaker domain: records with the status of an app, without an app.

Not in AWS's documentation: what DeleteApp answers for an app that is being deleted or was. Here it is ResourceInUse,
then ResourceNotFound, the two errors that the operation has.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateApp.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from practice.local_cloud.sagemaker import tags
from practice.local_cloud.sagemaker.api import Operation, Record, Request, arn, in_use, invalid, not_found, page
from practice.local_cloud.sagemaker.studio import APPS, DOMAINS, app_status, apps, domain, space, user_profile


def _key(request: Request) -> tuple[str, ...]:
    """Where the app is: in its domain, of a user profile or in a space."""
    user, place = request.get("UserProfileName"), request.get("SpaceName")
    if bool(user) == bool(place):
        raise invalid(
            f"UserProfileName is {user!r} and SpaceName {place!r}; an app belongs to either. Give exactly one of them."
        )
    owner = ("user", user) if user else ("space", place)
    return (request["DomainId"], *map(str, owner), request["AppType"], request["AppName"])


def _app(request: Request) -> Record:
    domain(request["DomainId"])
    try:
        app = APPS.here[_key(request)]
    except KeyError:
        raise not_found(f"App [{request['AppName']}] of type [{request['AppType']}] does not exist.") from None
    return app | {"Status": app_status(app, time.time())}


def _create(request: Request) -> Record:
    key = _key(request)
    domain_id, _, owner, kind, name = key
    if "SpaceName" in request:
        space(domain_id, owner)
    else:
        user_profile(domain_id, owner)
    now = time.time()
    if key in APPS.here and (status := app_status(APPS.here[key], now)) != "Deleted":
        raise in_use(f"App [{name}] of type [{kind}] already exists; it is {status}.")
    app_arn = arn(f"app/{domain_id}/{owner}/{kind.lower()}/{name}")
    APPS.here[key] = record = {**request, "AppArn": app_arn, "Arn": app_arn, "CreationTime": now}
    tags.attach(app_arn, request.get("Tags"))
    return record


def _list(request: Request) -> Record:
    wanted = request.get("DomainIdEquals")
    found = [app for domain_id in DOMAINS.here for app in apps(domain_id) if wanted in (None, domain_id)]
    return page(request, "Apps", found)


def _delete(request: Request) -> None:
    app = _app(request)
    if app["Status"] == "Deleting":
        raise in_use(f"App [{app['AppName']}] is being deleted.")
    if app["Status"] == "Deleted":
        raise not_found(f"App [{app['AppName']}] was deleted.")
    APPS.here[_key(request)]["DeletionTime"] = time.time()


OPERATIONS: Mapping[str, Operation] = {
    "CreateApp": _create,
    "DescribeApp": _app,
    "ListApps": _list,
    "DeleteApp": _delete,
}
