"""SageMaker pipelines on the local cloud: which definitions are taken, and what an execution does with them."""

from __future__ import annotations

import io
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.sagemaker import pipeline_execution as sagemaker_pipeline_execution
from practice.local_cloud.sagemaker import pipeline_steps as sagemaker_pipeline_steps
from practice.local_cloud.sagemaker.api import ApiError
from practice.local_cloud.sagemaker.pipeline_definition import read
from practice.local_cloud.sagemaker.pipeline_values import at, outcome, resolve
from tests.conftest import Deploy, DeploymentError
from tests.example_pipeline import ROLE, compare, condition, example, fail, small, step
from tests.patience import PATIENCE
from tests.sagemaker_in_process import SageMaker

Json = dict[str, Any]


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    found = SageMaker()
    monkeypatch.setattr(sagemaker_pipeline_steps, "client", lambda _service: found.client)
    monkeypatch.setattr(sagemaker_pipeline_steps, "POLL_SECONDS", 0.01)
    return found


@pytest.fixture
def name() -> str:
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture
def group(sagemaker: SageMaker, name: str) -> str:
    sagemaker.client.create_model_package_group(ModelPackageGroupName=name)
    return name


class Evaluation:
    """S3 that has the same evaluation at every key, and remembers which was read."""

    def __init__(self, auc: float) -> None:
        self.read: list[str] = []
        self._body = json.dumps({"auc_lower_bound": auc}).encode()

    def get_object(self, Bucket: str, Key: str) -> Json:  # noqa: N803 - boto3's names
        self.read.append(f"s3://{Bucket}/{Key}")
        return {"Body": io.BytesIO(self._body)}


@pytest.fixture
def evaluation(monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    found = Evaluation(auc=0.8)
    monkeypatch.setattr(sagemaker_pipeline_execution, "client", lambda _service: found)
    return found


def create(sagemaker: SageMaker, name: str, text: str, **members: Any) -> str:
    created = sagemaker.client.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE, **members)
    return str(created["PipelineArn"])


def start(sagemaker: SageMaker, name: str, **parameters: str) -> str:
    given = [{"Name": key, "Value": value} for key, value in parameters.items()]
    started = sagemaker.client.start_pipeline_execution(PipelineName=name, PipelineParameters=given)
    return str(started["PipelineExecutionArn"])


def steps(sagemaker: SageMaker, execution: str) -> dict[str, Json]:
    """The steps that have started, by name, the first first."""
    listed = sagemaker.client.list_pipeline_execution_steps(
        PipelineExecutionArn=execution, SortOrder="Ascending", MaxResults=100
    )
    return {found["StepName"]: found for found in listed["PipelineExecutionSteps"]}


def example_in(group: str) -> str:
    definition = example()
    (register,) = step(definition, "GoodEnough")["Arguments"]["IfSteps"]
    register["Arguments"]["ModelPackageGroupName"] = group
    return json.dumps(definition)


# -- an execution


@pytest.fixture
def executed(sagemaker: SageMaker, group: str, evaluation: Evaluation) -> str:
    """An execution of the example that has ended well."""
    create(sagemaker, group, example_in(group))
    execution = start(sagemaker, group, InstanceType="ml.m5.xlarge")
    described = sagemaker.wait(execution)
    assert described["PipelineExecutionStatus"] == "Succeeded", described["FailureReason"]
    return execution


def test_steps_run_after_what_they_depend_on_and_refer_to(sagemaker: SageMaker, executed: str) -> None:
    order = list(steps(sagemaker, executed))
    assert sorted(order) == ["Dataset", "Evaluate", "GoodEnough", "Register", "Train", "Tune"]
    for earlier, later in [("Dataset", "Train"), ("Train", "Tune"), ("Train", "Evaluate"), ("GoodEnough", "Register")]:
        assert order.index(earlier) < order.index(later)


def test_a_job_is_requested_with_the_values_that_references_mean(sagemaker: SageMaker, executed: str) -> None:
    training = next(request for name, request in sagemaker.requests.items() if "-Train-" in name)
    identity = executed.rpartition("/")[2]
    (channel,) = training["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://artefacts/{identity}/train"
    assert training["HyperParameters"] == {"num_round": "200"}
    assert training["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"


def test_jobs_are_named_as_sagemaker_names_them(sagemaker: SageMaker, executed: str) -> None:
    identity = executed.rpartition("/")[2]
    named = {name[: -len("-cIpzShs3Qp")] for name in sagemaker.requests}
    assert named == {*(f"pipelines-{identity}-{s}" for s in ("Dataset", "Train", "Evaluate")), f"{identity}-Tune"}


def test_jobs_belong_to_the_experiment_and_trial_of_the_execution(
    sagemaker: SageMaker, executed: str, group: str
) -> None:
    config = {"ExperimentName": group, "TrialName": executed.rpartition("/")[2]}
    described = sagemaker.client.describe_pipeline_execution(PipelineExecutionArn=executed)
    assert described["PipelineExperimentConfig"] == config
    carried = [request["ExperimentConfig"] for name, request in sagemaker.requests.items() if "-Tune-" not in name]
    assert carried == [config] * 3


def test_steps_tell_what_they_made_and_found(sagemaker: SageMaker, executed: str, group: str) -> None:
    metadata = {name: found["Metadata"] for name, found in steps(sagemaker, executed).items()}
    jobs = {name.split("-")[-2]: name for name in sagemaker.requests}
    account = "arn:aws:sagemaker:us-east-1:000000000000"
    assert metadata["Train"] == {"TrainingJob": {"Arn": f"{account}:training-job/{jobs['Train']}"}}
    assert metadata["Dataset"] == {"ProcessingJob": {"Arn": f"{account}:processing-job/{jobs['Dataset']}"}}
    assert metadata["Tune"] == {"TuningJob": {"Arn": f"{account}:hyper-parameter-tuning-job/{jobs['Tune']}"}}
    assert metadata["GoodEnough"] == {"Condition": {"Outcome": "True"}}
    assert metadata["Register"] == {"RegisterModel": {"Arn": f"{account}:model-package/{group}/1"}}


def test_a_property_file_is_read_from_the_output_that_holds_it(executed: str, evaluation: Evaluation) -> None:
    assert evaluation.read == [f"s3://artefacts/{executed.rpartition('/')[2]}/evaluation/comparison.json"]


def test_the_model_that_was_trained_is_registered(sagemaker: SageMaker, executed: str, group: str) -> None:
    package = sagemaker.client.describe_model_package(ModelPackageName=f"{group}/1")
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == "s3://artefacts/m.tar.gz"


@pytest.fixture
def calls(sagemaker: SageMaker) -> list[str]:
    """The operations that a pipeline calls, in order."""
    found: list[str] = []
    sagemaker.client.meta.events.register("before-call.sagemaker", lambda model, **_: found.append(model.name))
    return found


def test_a_registration_asks_for_its_group_first_and_takes_that_it_exists(
    sagemaker: SageMaker, name: str, calls: list[str]
) -> None:
    """The first execution makes the group, the second finds it."""
    create(sagemaker, name, registration(name))
    for version in (1, 2):
        calls.clear()
        assert sagemaker.wait(start(sagemaker, name))["PipelineExecutionStatus"] == "Succeeded"
        assert [call for call in calls if call.startswith("CreateModel")] == [
            "CreateModelPackageGroup",
            "CreateModelPackage",
        ]
        assert sagemaker.client.describe_model_package(ModelPackageName=f"{name}/{version}")


CALLS = {
    "Processing": ["CreateProcessingJob", "DescribeProcessingJob"],
    "Training": ["CreateTrainingJob", "DescribeTrainingJob"],
    "Tuning": ["CreateHyperParameterTuningJob", "DescribeHyperParameterTuningJob"],
    "RegisterModel": ["CreateModelPackageGroup", "CreateModelPackage", "DescribeModelPackage"],
    "Condition": [],
    "Fail": [],
}
"""What each type of step calls, in order: what a pipeline's role has to be allowed."""


def test_each_step_makes_the_calls_of_its_type_in_order(
    sagemaker: SageMaker, group: str, evaluation: Evaluation, calls: list[str]
) -> None:
    text = example_in(group)
    create(sagemaker, group, text)
    execution = start(sagemaker, group)
    calls.clear()
    assert sagemaker.wait(execution)["PipelineExecutionStatus"] == "Succeeded"
    made = [call for call in calls if call != "DescribePipelineExecution"]
    types = {name: found.type for name, found in read(text).steps.items()}
    assert made == [call for name in steps(sagemaker, execution) for call in CALLS[types[name]]]
    assert {*types.values()} <= CALLS.keys()


def test_a_registration_fails_when_its_group_is_refused(sagemaker: SageMaker, name: str, calls: list[str]) -> None:
    create(sagemaker, name, registration("no group's name"))
    reason = sagemaker.wait(start(sagemaker, name))["FailureReason"]
    assert "Failed to invoke sagemaker:CreateModelPackageGroup" in reason
    assert "CreateModelPackage" not in calls


def test_the_parameters_of_an_execution_are_kept_with_it(sagemaker: SageMaker, executed: str) -> None:
    listed = sagemaker.client.list_pipeline_parameters_for_execution(PipelineExecutionArn=executed)
    assert {p["Name"]: p["Value"] for p in listed["PipelineParameters"]} == {
        "InstanceType": "ml.m5.xlarge",
        "MinimumAuc": "0.7",
        "Rounds": "200",
    }


def test_an_execution_keeps_the_definition_it_was_started_with(sagemaker: SageMaker, executed: str, group: str) -> None:
    sagemaker.client.update_pipeline(PipelineName=group, PipelineDefinition=small(fail("Other")))
    kept = sagemaker.client.describe_pipeline_definition_for_execution(PipelineExecutionArn=executed)
    assert kept["PipelineDefinition"] == example_in(group)


def test_a_condition_that_does_not_hold_takes_the_other_branch(
    sagemaker: SageMaker, group: str, evaluation: Evaluation
) -> None:
    create(sagemaker, group, example_in(group))
    execution = start(sagemaker, group, MinimumAuc="0.9")
    described = sagemaker.wait(execution)
    assert described["PipelineExecutionStatus"] == "Failed"
    assert "NotGoodEnough: the AUC is not above 0.9" in described["FailureReason"]
    done = steps(sagemaker, execution)
    assert done["GoodEnough"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert done["NotGoodEnough"]["Metadata"] == {"Fail": {"ErrorMessage": "the AUC is not above 0.9"}}
    assert "Register" not in done
    assert sagemaker.client.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"] == []


def test_a_job_that_fails_fails_the_execution_with_its_reason(sagemaker: SageMaker, group: str) -> None:
    sagemaker.failing["Train"] = "AlgorithmError: no rows"
    create(sagemaker, group, example_in(group))
    execution = start(sagemaker, group)
    described = sagemaker.wait(execution)
    assert described["PipelineExecutionStatus"] == "Failed"
    assert "AlgorithmError: no rows" in described["FailureReason"]
    done = steps(sagemaker, execution)
    assert "AlgorithmError: no rows" in done["Train"]["FailureReason"]
    assert list(done) == ["Dataset", "Train"]


def test_the_first_step_that_fails_ends_the_execution(sagemaker: SageMaker, name: str) -> None:
    create(sagemaker, name, small(fail("First"), fail("Second")))
    execution = start(sagemaker, name)
    assert sagemaker.wait(execution)["PipelineExecutionStatus"] == "Failed"
    assert list(steps(sagemaker, execution)) == ["First"]


def test_a_request_that_the_job_refuses_fails_the_step(sagemaker: SageMaker, group: str) -> None:
    definition = json.loads(example_in(group))
    step(definition, "Dataset")["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = "1"
    create(sagemaker, group, json.dumps(definition))
    reason = sagemaker.wait(start(sagemaker, group))["FailureReason"]
    assert "Failed to invoke sagemaker:CreateProcessingJob" in reason
    assert "InstanceCount" in reason


def test_what_depends_on_a_branch_that_was_not_taken_does_not_run(sagemaker: SageMaker, name: str) -> None:
    never = condition("Check", compare("Equals", 1, 2), then=[fail("Inner")])
    create(sagemaker, name, small(never, fail("After", DependsOn=["Inner"])))
    execution = start(sagemaker, name)
    assert sagemaker.wait(execution)["PipelineExecutionStatus"] == "Succeeded"
    assert list(steps(sagemaker, execution)) == ["Check"]


# -- stopping, starting again, deleting


@pytest.fixture
def running(sagemaker: SageMaker, group: str) -> str:
    """An execution whose first job runs until it is stopped."""
    sagemaker.endless.add("Dataset")
    create(sagemaker, group, example_in(group))
    execution = start(sagemaker, group)
    while not sagemaker.requests:
        time.sleep(0.01)
    return execution


def test_a_stopped_execution_stops_its_job_and_starts_no_other(sagemaker: SageMaker, running: str) -> None:
    assert steps(sagemaker, running)["Dataset"]["StepStatus"] == "Executing"
    sagemaker.client.stop_pipeline_execution(PipelineExecutionArn=running)
    assert sagemaker.wait(running)["PipelineExecutionStatus"] == "Stopped"
    assert {name: found["StepStatus"] for name, found in steps(sagemaker, running).items()} == {"Dataset": "Stopped"}
    with pytest.raises(sagemaker.client.exceptions.ConflictException, match="is Stopped"):
        sagemaker.client.stop_pipeline_execution(PipelineExecutionArn=running)


def test_a_failed_execution_is_retried_from_the_step_that_failed(
    sagemaker: SageMaker, group: str, evaluation: Evaluation
) -> None:
    sagemaker.failing["Train"] = "CapacityError: none left"
    create(sagemaker, group, example_in(group))
    execution = start(sagemaker, group)
    sagemaker.wait(execution)
    del sagemaker.failing["Train"]
    retried = sagemaker.client.retry_pipeline_execution(PipelineExecutionArn=execution)
    assert retried["PipelineExecutionArn"] == execution
    described = sagemaker.wait(execution)
    assert described["PipelineExecutionStatus"] == "Succeeded"
    assert "FailureReason" not in described
    assert {found["StepStatus"] for found in steps(sagemaker, execution).values()} == {"Succeeded"}
    assert sagemaker.job_names() == ["Dataset", "Train", "Train", "Evaluate", "Tune"]


def test_a_stopped_execution_is_retried_once_per_token(
    sagemaker: SageMaker, running: str, evaluation: Evaluation
) -> None:
    with pytest.raises(sagemaker.client.exceptions.ConflictException, match="is Executing"):
        sagemaker.client.retry_pipeline_execution(PipelineExecutionArn=running)
    sagemaker.client.stop_pipeline_execution(PipelineExecutionArn=running)
    sagemaker.wait(running)
    sagemaker.endless.clear()
    token = uuid4().hex
    for _ in range(2):
        sagemaker.client.retry_pipeline_execution(PipelineExecutionArn=running, ClientRequestToken=token)
        assert sagemaker.wait(running)["PipelineExecutionStatus"] == "Succeeded"
    with pytest.raises(sagemaker.client.exceptions.ConflictException, match="is Succeeded"):
        sagemaker.client.retry_pipeline_execution(PipelineExecutionArn=running)


def test_a_pipeline_is_not_deleted_while_an_execution_runs(sagemaker: SageMaker, running: str, group: str) -> None:
    with pytest.raises(sagemaker.client.exceptions.ConflictException, match=running):
        sagemaker.client.delete_pipeline(PipelineName=group)
    sagemaker.client.stop_pipeline_execution(PipelineExecutionArn=running)
    sagemaker.wait(running)
    sagemaker.client.delete_pipeline(PipelineName=group)
    for describe, request in [
        (sagemaker.client.describe_pipeline, {"PipelineName": group}),
        (sagemaker.client.describe_pipeline_execution, {"PipelineExecutionArn": running}),
    ]:
        with pytest.raises(sagemaker.client.exceptions.ResourceNotFound):
            describe(**request)


def test_the_same_token_starts_one_execution(sagemaker: SageMaker, name: str) -> None:
    create(sagemaker, name, small(fail("Only")))
    token = uuid4().hex
    one, two = (
        sagemaker.client.start_pipeline_execution(PipelineName=name, ClientRequestToken=token) for _ in range(2)
    )
    assert one["PipelineExecutionArn"] == two["PipelineExecutionArn"]
    assert start(sagemaker, name) != one["PipelineExecutionArn"]


def test_the_latest_execution_is_listed_first(sagemaker: SageMaker, name: str) -> None:
    create(sagemaker, name, small(fail("Only")))
    started = [start(sagemaker, name) for _ in range(3)]
    for execution in started:
        sagemaker.wait(execution)
    listed = sagemaker.client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert [summary["PipelineExecutionArn"] for summary in listed] == started[::-1]
    assert "on purpose" in listed[0]["PipelineExecutionFailureReason"]


# -- pipelines


def test_a_pipeline_is_described_and_listed_as_it_was_created(sagemaker: SageMaker, name: str) -> None:
    arn = create(sagemaker, name, small(fail("Only")), PipelineDescription="churn", Tags=[{"Key": "a", "Value": "b"}])
    described = sagemaker.client.describe_pipeline(PipelineName=arn)
    assert (described["PipelineName"], described["PipelineStatus"]) == (name, "Active")
    assert described["PipelineDefinition"] == small(fail("Only"))
    (listed,) = sagemaker.client.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    assert (listed["PipelineArn"], listed["PipelineDescription"]) == (arn, "churn")
    assert sagemaker.client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_a_second_pipeline_of_the_same_name_is_refused(sagemaker: SageMaker, name: str) -> None:
    create(sagemaker, name, small(fail("Only")))
    with pytest.raises(ClientError, match="Pipeline names must be unique within an AWS account and region"):
        create(sagemaker, name, small(fail("Only")))


def test_an_update_is_checked_like_a_creation(sagemaker: SageMaker, name: str) -> None:
    create(sagemaker, name, small(fail("Only")))
    with pytest.raises(ClientError, match="It has no Steps"):
        sagemaker.client.update_pipeline(PipelineName=name, PipelineDefinition=small())


def test_what_has_nothing_behind_it_is_refused(sagemaker: SageMaker, name: str) -> None:
    with pytest.raises(ClientError, match="does not emulate PipelineDefinitionS3Location"):
        sagemaker.client.create_pipeline(
            PipelineName=name, RoleArn=ROLE, PipelineDefinitionS3Location={"Bucket": "abc", "ObjectKey": "k"}
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"Unknown": "1"}, "has no parameter Unknown; it has Needed, Rounds, Colour"),
        ({}, "without a default need a value: Needed"),
        ({"Needed": "x", "Rounds": "many"}, "Rounds is 'many', which is no Integer"),
        ({"Needed": "x", "Colour": "blue"}, "Colour is 'blue'; allowed: red, green"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_at_the_start(
    sagemaker: SageMaker, name: str, given: dict[str, str], message: str
) -> None:
    parameters = [
        {"Name": "Needed"},
        {"Name": "Rounds", "Type": "Integer", "DefaultValue": 1},
        {"Name": "Colour", "Type": "String", "DefaultValue": "red", "EnumValues": ["red", "green"]},
    ]
    create(sagemaker, name, small(fail("Only"), Parameters=parameters))
    with pytest.raises(ClientError, match=message):
        start(sagemaker, name, **given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "It is no JSON"),
        (small(), "It has no Steps"),
        (small(fail("A"), Version="2021-01-01"), "Version is '2021-01-01'; allowed: 2020-12-01"),
        (small(fail("A"), Stages=[]), "The definition has Stages"),
        (small({"Name": "A", "Type": "Lambda", "Arguments": {}}), "Step A has the Type 'Lambda'; the local cloud emul"),
        (small(fail("A b")), "Name is 'A b'"),
        ('{"Steps": ["A"]}', "A step is 'A'; it must be an object"),
        (small(fail("A", PropertyFiles=[])), "Step A has PropertyFiles"),
        (small(fail("A"), condition("B", then=[fail("A")])), "Step A is there twice"),
        (small(fail("A", DependsOn=["B"])), "Step A depends on B, which is no step; there are A"),
        (small(fail("A", {"Get": "Steps.B.Arn"})), "refers to Steps.B.Arn, but Steps has no B"),
        (small(fail("A", {"Get": "Parameters.P"})), "but Parameters has no P; it has none"),
        (small(fail("A", {"Get": "Execution.Id"})), "but Execution has no Id; it has StartDateTime"),
        (small(fail("A", {"Get": "Context.Id"})), "a reference starts with Parameters, Execution, Steps"),
        (small(fail("A"), fail("B", {"Get": "Steps.A.PropertyFiles.F"})), "step A has no property file F"),
        (small(fail("A", DependsOn=["B"]), fail("B", DependsOn=["A"])), "Steps wait for each other: "),
        (small(fail("A"), Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "1"}]), "which is no Integer"),
    ],
)  # fmt: skip
def test_a_definition_that_no_execution_could_follow_is_refused(text: str, message: str) -> None:
    with pytest.raises(ApiError, match=f"Unable to parse pipeline definition.*{message}") as refusal:
        read(text)
    assert refusal.value.code == "ValidationException"


# -- values and conditions


class Known:
    """Values that are what their path says."""

    def get(self, path: str) -> Any:
        return {"Parameters.Float": 0.5, "Parameters.Bool": True}.get(path, path)

    def property_file(self, path: str) -> Any:
        return {"of": [{"name": path}]}


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ({"a": [{"Get": "Parameters.Float"}, 1]}, {"a": [0.5, 1]}),
        ({"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.P"}]}}, "s3://Parameters.P"),
        ({"Std:Join": {"Values": [{"Get": "Parameters.Float"}, " ", {"Get": "Parameters.Bool"}]}}, "0.5 true"),
        ({"Std:JsonGet": {"PropertyFile": {"Get": "F"}, "Path": "$.of[0]['name']"}}, "F"),
    ],
)
def test_references_and_functions_are_replaced(value: Any, meaning: Any) -> None:
    assert resolve(value, Known()) == meaning


def test_a_path_that_leads_nowhere_says_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"the report has nothing at a\.c: no 'c' in b"):
        at({"a": {"b": 1}}, "a.c", "the report")


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(ValueError, match="Std:Split is not of a form"):
        resolve({"Std:Split": {}}, Known())


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        (compare("Equals", {"Get": "Parameters.Bool"}, True), True),
        (compare("GreaterThan", {"Get": "Parameters.Float"}, 0.5), False),
        (compare("GreaterThanOrEqualTo", {"Get": "Parameters.Float"}, 0.5), True),
        (compare("LessThan", 0.4, {"Get": "Parameters.Float"}), True),
        (compare("LessThanOrEqualTo", 0.6, {"Get": "Parameters.Float"}), False),
        ({"Type": "In", "QueryValue": {"Get": "A"}, "Values": ["B", {"Get": "A"}]}, True),
        ({"Type": "Not", "Expression": compare("Equals", 1, 1)}, False),
        ({"Type": "Or", "Conditions": [compare("Equals", 1, 2), compare("Equals", 1, 1)]}, True),
    ],
)
def test_conditions_hold_or_not(asked: Json, holds: bool) -> None:
    assert outcome(asked, Known()) is holds


def test_what_cannot_be_compared_says_so() -> None:
    with pytest.raises(ValueError, match="GreaterThan cannot compare 'high'"):
        outcome(compare("GreaterThan", "high", 0.5), Known())


# -- in a stack, on the server


def pipeline(name: str, text: str, **properties: Any) -> Json:
    body = {"PipelineDefinitionBody": text}
    members = {"PipelineName": name, "PipelineDefinition": body, "RoleArn": ROLE, **properties}
    return {"Pipeline": {"Type": "AWS::SageMaker::Pipeline", "Properties": members}}


def registration(group: str) -> str:
    arguments = {"ModelPackageGroupName": group, "ModelPackageDescription": {"Get": "Execution.PipelineName"}}
    register = {"Name": "Register", "Type": "RegisterModel", "Arguments": arguments}
    return small(condition("Check", compare("Equals", 1, 1), then=[register], otherwise=[fail("Never")]))


def test_a_deployed_pipeline_runs_and_is_updated_in_place(local_cloud: LocalCloud, deploy: Deploy, name: str) -> None:
    client = local_cloud.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName=name)
    tags = [{"Key": "sandbox", "Value": "test"}]
    assert deploy(pipeline(name, registration(name), Tags=tags), name)["Pipeline"] == name
    arn = client.describe_pipeline(PipelineName=name)["PipelineArn"]
    assert {"Key": "sandbox", "Value": "test"} in client.list_tags(ResourceArn=arn)["Tags"]

    execution = client.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    deadline = time.monotonic() + PATIENCE
    while client.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"] == "Executing":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert client.describe_model_package(ModelPackageName=f"{name}/1")["ModelPackageDescription"] == name

    deploy(pipeline(name, small(fail("Other")), Tags=tags), name)
    assert client.describe_pipeline(PipelineName=name)["PipelineDefinition"] == small(fail("Other"))
    assert len(client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]) == 1


def test_a_definition_that_is_refused_fails_the_stack(deploy: Deploy, name: str) -> None:
    with pytest.raises(DeploymentError, match="Step A depends on B, which is no step"):
        deploy(pipeline(name, small(fail("A", DependsOn=["B"]))), name)
