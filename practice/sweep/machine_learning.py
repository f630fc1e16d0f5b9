"""What SageMaker keeps; of jobs, those that run: it keeps a record of each that has ended, for nothing.

Pipelines make an experiment, a trial an execution and a component a job, and the lineage of what they read and write;
none of that goes with the pipeline.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-experiments.html and, on the order in which it can be
deleted, https://docs.aws.amazon.com/sagemaker/latest/dg/experiments-cleanup.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from practice.sweep.kinds import Account, Finder, Kind, pages
from practice.sweep.ownership import Found, canonical

_RUNNING = ("InProgress", "Stopping")
_GOING = ("Deleting", "Stopping")
_GONE = ("Deleted", "Failed")
_BY_THE_HOUR = "its instances, by the hour"


def _lister(operation: str, key: str, thing: str, status: str = "", **request: Any) -> Finder:
    """Finds what an operation lists, with ``<thing>Name`` and ``<thing>Arn``."""

    def find(client: Any, _account: Account) -> Iterator[Found]:
        for item in pages(client, operation, key, **request):
            yield Found(item[f"{thing}Name"], item[f"{thing}Arn"], going=item.get(status) in _GOING)

    return find


def _jobs(operation: str, key: str, thing: str) -> Finder:
    """Finds jobs that run."""

    def find(client: Any, account: Account) -> Iterator[Found]:
        for status in _RUNNING:
            yield from _lister(operation, key, thing, f"{thing}Status", StatusEquals=status)(client, account)

    return find


def _in_domain(operation: str, key: str, resource: str, path: Callable[[Any], str]) -> Finder:
    """Finds what lies in domains; SageMaker lists a deleted app for a day, and has deleted a failed one itself."""

    def find(client: Any, account: Account) -> Iterator[Found]:
        for item in pages(client, operation, key):
            if item["Status"] not in _GONE:
                domain = account.arn("sagemaker", f"domain/{item['DomainId']}")
                name = f"{item['DomainId']}/{path(item)}"
                arn = canonical(account.arn("sagemaker", f"{resource}/{name}"))
                yield Found(name, arn, within=domain, going=item["Status"] == "Deleting", item=item)

    return find


def _app_path(app: Any) -> str:
    return f"{app.get('SpaceName') or app['UserProfileName']}/{app['AppType']}/{app['AppName']}"


def _app_key(app: Any) -> dict[str, str]:
    """An app is named by the space that owns it, or else by the user profile.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteApp.html
    """
    owner = "SpaceName" if app.get("SpaceName") else "UserProfileName"
    return {name: app[name] for name in ("DomainId", owner, "AppType", "AppName")}


def _domains(client: Any, _account: Account) -> Iterator[Found]:
    for domain in pages(client, "list_domains", "Domains"):
        going = domain["Status"] == "Deleting"
        yield Found(domain["DomainId"], domain["DomainArn"], names=(domain["DomainName"],), going=going)


def _model_packages(client: Any, account: Account) -> Iterator[Found]:
    """Both kinds: without asking, SageMaker lists only those outside groups. One in a group has the tags of the group.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListModelPackages.html,
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
    """
    for package in pages(client, "list_model_packages", "ModelPackageSummaryList", ModelPackageType="Both"):
        arn = package["ModelPackageArn"]
        group = package.get("ModelPackageGroupName")
        yield Found(
            arn.partition("/")[2],
            arn,
            tags_of=account.arn("sagemaker", f"model-package-group/{group}") if group else "",
            going=package["ModelPackageStatus"] == "Deleting",
        )


def _trials(client: Any, _account: Account) -> Iterator[Found]:
    """The trials of all experiments, whose names tell whose they are."""
    for experiment in pages(client, "list_experiments", "ExperimentSummaries"):
        name, arn = experiment["ExperimentName"], experiment["ExperimentArn"]
        for trial in pages(client, "list_trials", "TrialSummaries", ExperimentName=name):
            yield Found(trial["TrialName"], trial["TrialArn"], names=(name,), within=arn)


def _components(client: Any, account: Account) -> Iterator[Found]:
    for trial in _trials(client, account):
        for item in pages(client, "list_trial_components", "TrialComponentSummaries", TrialName=trial.id):
            names, arn = (*trial.names, trial.id), item["TrialComponentArn"]
            yield Found(item["TrialComponentName"], arn, names=names, within=trial.within)


def _lineage(operation: str, key: str, thing: str) -> Finder:
    """Finds entities of lineage, whose sources, such as a bucket or a job, tell whose they are."""

    def find(client: Any, _account: Account) -> Iterator[Found]:
        for item in pages(client, operation, key):
            source = (item.get("Source") or {}).get("SourceUri", "")
            yield Found(
                item[f"{thing}Arn"], item[f"{thing}Arn"], names=(item.get(f"{thing}Name", ""), source), item=item
            )

    return find


def _delete_component(client: Any, found: Found) -> None:
    """A component is deleted when it belongs to no trial."""
    for trial in pages(client, "list_trials", "TrialSummaries", TrialComponentName=found.id):
        client.disassociate_trial_component(TrialComponentName=found.id, TrialName=trial["TrialName"])
    client.delete_trial_component(TrialComponentName=found.id)


def _delete_lineage(thing: str) -> Callable[[Any, Found], object]:
    """Deletes an entity of lineage, when it is associated with no other."""
    key = {"artifact": "ArtifactArn"}.get(thing, f"{thing.title()}Name")

    def delete(client: Any, found: Found) -> None:
        for end in ("SourceArn", "DestinationArn"):
            for edge in pages(client, "list_associations", "AssociationSummaries", **{end: found.arn}):
                client.delete_association(SourceArn=edge["SourceArn"], DestinationArn=edge["DestinationArn"])
        getattr(client, f"delete_{thing}")(**{key: found.item[key]})

    return delete


def _lineage_kind(thing: str) -> Kind:
    return Kind(
        f"lineage {thing}",
        "sagemaker",
        f"sagemaker:{thing}",
        "nothing",
        _lineage(f"list_{thing}s", f"{thing.title()}Summaries", thing.title()),
        _delete_lineage(thing),
        by_hand=f"aws sagemaker delete-association for each of its associations, then: aws sagemaker delete-{thing}",
    )


KINDS = (
    Kind(
        "endpoint",
        "sagemaker",
        "sagemaker:endpoint",
        _BY_THE_HOUR,
        _lister("list_endpoints", "Endpoints", "Endpoint", "EndpointStatus"),
        lambda client, found: client.delete_endpoint(EndpointName=found.id),
        by_hand="aws sagemaker delete-endpoint --endpoint-name NAME",
    ),
    Kind(
        "endpoint configuration",
        "sagemaker",
        "sagemaker:endpoint-config",
        "nothing",
        _lister("list_endpoint_configs", "EndpointConfigs", "EndpointConfig"),
        lambda client, found: client.delete_endpoint_config(EndpointConfigName=found.id),
        by_hand="aws sagemaker delete-endpoint-config --endpoint-config-name NAME",
    ),
    Kind(
        "model",
        "sagemaker",
        "sagemaker:model",
        "nothing; its data costs in its bucket",
        _lister("list_models", "Models", "Model"),
        lambda client, found: client.delete_model(ModelName=found.id),
        by_hand="aws sagemaker delete-model --model-name NAME",
    ),
    Kind(
        "notebook instance",
        "sagemaker",
        "sagemaker:notebook-instance",
        "its instance, by the hour while it runs, and its volume",
        _lister("list_notebook_instances", "NotebookInstances", "NotebookInstance", "NotebookInstanceStatus"),
        lambda client, found: client.delete_notebook_instance(NotebookInstanceName=found.id),
        by_hand="stop it, then: aws sagemaker delete-notebook-instance --notebook-instance-name NAME",
    ),
    Kind(
        "running training job",
        "sagemaker",
        "sagemaker:training-job",
        _BY_THE_HOUR,
        _jobs("list_training_jobs", "TrainingJobSummaries", "TrainingJob"),
        lambda client, found: client.stop_training_job(TrainingJobName=found.id),
        by_hand="aws sagemaker stop-training-job --training-job-name NAME",
    ),
    Kind(
        "running processing job",
        "sagemaker",
        "sagemaker:processing-job",
        _BY_THE_HOUR,
        _jobs("list_processing_jobs", "ProcessingJobSummaries", "ProcessingJob"),
        lambda client, found: client.stop_processing_job(ProcessingJobName=found.id),
        by_hand="aws sagemaker stop-processing-job --processing-job-name NAME",
    ),
    Kind(
        "app",
        "sagemaker",
        "sagemaker:app",
        _BY_THE_HOUR,
        _in_domain("list_apps", "Apps", "app", _app_path),
        lambda client, found: client.delete_app(**_app_key(found.item)),
        by_hand="aws sagemaker delete-app, or in Studio",
    ),
    Kind(
        "space",
        "sagemaker",
        "sagemaker:space",
        "its volume, per GB",
        _in_domain("list_spaces", "Spaces", "space", lambda space: str(space["SpaceName"])),
        lambda client, found: client.delete_space(DomainId=found.item["DomainId"], SpaceName=found.item["SpaceName"]),
        by_hand="aws sagemaker delete-space --domain-id DOMAIN --space-name NAME",
    ),
    Kind(
        "user profile",
        "sagemaker",
        "sagemaker:user-profile",
        "nothing",
        _in_domain("list_user_profiles", "UserProfiles", "user-profile", lambda user: str(user["UserProfileName"])),
        lambda client, found: client.delete_user_profile(
            DomainId=found.item["DomainId"], UserProfileName=found.item["UserProfileName"]
        ),
        by_hand="aws sagemaker delete-user-profile --domain-id DOMAIN --user-profile-name NAME",
    ),
    Kind(
        "domain",
        "sagemaker",
        "sagemaker:domain",
        "nothing; its file system and its volumes cost",
        _domains,
        lambda client, found: client.delete_domain(DomainId=found.id, RetentionPolicy={"HomeEfsFileSystem": "Delete"}),
        by_hand="aws sagemaker delete-domain --domain-id NAME",
    ),
    Kind(
        "pipeline",
        "sagemaker",
        "sagemaker:pipeline",
        "nothing",
        _lister("list_pipelines", "PipelineSummaries", "Pipeline"),
        lambda client, found: client.delete_pipeline(PipelineName=found.id),
        by_hand="aws sagemaker delete-pipeline --pipeline-name NAME",
    ),
    Kind(
        "trial component",
        "sagemaker",
        "sagemaker:experiment-trial-component",
        "nothing",
        _components,
        _delete_component,
        by_hand="as https://docs.aws.amazon.com/sagemaker/latest/dg/experiments-cleanup.html says",
    ),
    Kind(
        "trial",
        "sagemaker",
        "sagemaker:experiment-trial",
        "nothing",
        _trials,
        lambda client, found: client.delete_trial(TrialName=found.id),
        by_hand="delete its components, then: aws sagemaker delete-trial --trial-name NAME",
    ),
    Kind(
        "experiment",
        "sagemaker",
        "sagemaker:experiment",
        "nothing",
        _lister("list_experiments", "ExperimentSummaries", "Experiment"),
        lambda client, found: client.delete_experiment(ExperimentName=found.id),
        by_hand="delete its trials, then: aws sagemaker delete-experiment --experiment-name NAME",
    ),
    *(_lineage_kind(thing) for thing in ("action", "artifact", "context")),
    Kind(
        "model package",
        "sagemaker",
        "sagemaker:model-package",
        "nothing; its data costs in its bucket",
        _model_packages,
        lambda client, found: client.delete_model_package(ModelPackageName=found.arn),
        by_hand="aws sagemaker delete-model-package --model-package-name ARN",
    ),
    Kind(
        "model package group",
        "sagemaker",
        "sagemaker:model-package-group",
        "nothing",
        _lister(
            "list_model_package_groups",
            "ModelPackageGroupSummaryList",
            "ModelPackageGroup",
            "ModelPackageGroupStatus",
        ),
        lambda client, found: client.delete_model_package_group(ModelPackageGroupName=found.id),
        by_hand="aws sagemaker delete-model-package-group --model-package-group-name NAME",
    ),
    Kind(
        "feature group",
        "sagemaker",
        "sagemaker:feature-group",
        "what its online store holds, per GB",
        _lister("list_feature_groups", "FeatureGroupSummaries", "FeatureGroup", "FeatureGroupStatus"),
        lambda client, found: client.delete_feature_group(FeatureGroupName=found.id),
        by_hand="aws sagemaker delete-feature-group --feature-group-name NAME",
    ),
)
"""In the order in which they can be deleted: what is in a domain or a group comes before it."""
