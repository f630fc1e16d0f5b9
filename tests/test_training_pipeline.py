"""What the training pipeline guarantees, of every request that it would send."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from jobs.training.tuning import MOST_AT_ONCE, MOST_JOBS
from machine_learning.input_mode import InputMode
from machine_learning.training_code import archive
from machine_learning.training_steps import TrainingSteps
from machine_learning.tuning import Tuning
from machine_learning.xgboost_image import ACCOUNTS
from practice.doctor.quotas import wanted_quotas
from stacks.regions import missing_stacks
from stacks.settings import Settings
from tests.pipeline_definitions import complaints, requests
from tests.policy_documents import ACCOUNT, REGION, Resolver
from tests.synthesis import COMBINATIONS, synthesize
from tests.test_regions import REGIONS

Json = dict[str, Any]

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/key"
OF_TRAINING = ("CreateTrainingJob", "CreateHyperParameterTuningJob")


STEPS = TrainingSteps(
    sandbox_name="ml-sandbox",
    image="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    code_url="s3://assets/code.gz",
    bucket_url="s3://training",
    key_arn=KEY,
    processing_role_arn=f"arn:aws:iam::{ACCOUNT}:role/processing",
    training_role_arn=f"arn:aws:iam::{ACCOUNT}:role/training",
    workgroup="ml-sandbox",
    features_table="ml_sandbox_features.customer_features",
    labels_table="ml_sandbox_curated.customer_labels",
    model_package_group="ml-sandbox-customer-churn",
    processing_instance_type="ml.m5.large",
    training_instance_type="ml.m5.large",
    training_instances=1,
    max_runtime_seconds=3600,
    input_mode=InputMode.FAST_FILE,
    tuning=Tuning.OFF,
)


def definition(combination: str) -> str:
    stacks = synthesize(combination)
    (pipeline,) = [r for r in stacks["Training"].all() if r.type == "AWS::SageMaker::Pipeline"]
    body = pipeline.properties["PipelineDefinition"]["PipelineDefinitionBody"]
    return str(Resolver(stacks, "Training").resolve(body))


def sent(combination: str) -> dict[str, Json]:
    return {request.step: request.request for request in requests(definition(combination))}


def training_definitions(combination: str) -> list[Json]:
    """What says how jobs are to train: the request itself, or the definition in that of a tuning job."""
    found = [request for request in requests(definition(combination)) if request.operation in OF_TRAINING]
    return [request.request.get("TrainingJobDefinition", request.request) for request in found]


@pytest.mark.parametrize("combination", ["default", "tuned"])
class TestEveryPipeline:
    def test_has_a_definition_and_requests_that_sagemaker_would_take(self, combination: str) -> None:
        assert complaints(definition(combination)) == []

    def test_trains_on_managed_spot_and_waits_at_least_as_long_as_it_may_run(self, combination: str) -> None:
        (training,) = training_definitions(combination)
        assert training["EnableManagedSpotTraining"] is True
        stopping = training["StoppingCondition"]
        assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"] > 0

    def test_keeps_the_checkpoints_of_each_run_apart(self, combination: str) -> None:
        (training,) = training_definitions(combination)
        assert training["CheckpointConfig"] == {
            "S3Uri": "s3://artifacts/checkpoints/kytlemm1lvpq",
            "LocalPath": "/opt/ml/checkpoints",
        }

    def test_encrypts_volumes_and_what_jobs_leave(self, combination: str) -> None:
        (training,) = training_definitions(combination)
        assert training["ResourceConfig"]["VolumeKmsKeyId"] == training["OutputDataConfig"]["KmsKeyId"] == KEY
        for step in ("Dataset", "Evaluate"):
            request = sent(combination)[step]
            assert request["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == KEY
            assert request["ProcessingOutputConfig"]["KmsKeyId"] == KEY

    def test_bounds_and_tags_every_job(self, combination: str) -> None:
        for step, request in sent(combination).items():
            if step == "Register":
                continue
            job = request.get("TrainingJobDefinition", request)
            assert job["StoppingCondition"]["MaxRuntimeInSeconds"] <= 3600
            assert {"Key": "sandbox", "Value": "ml-sandbox"} in request["Tags"]

    def test_leaves_approval_to_a_person(self, combination: str) -> None:
        assert sent(combination)["Register"]["ModelApprovalStatus"] == "PendingManualApproval"


def test_the_condition_reads_a_file_that_the_evaluation_leaves() -> None:
    steps = {step["Name"]: step for step in json.loads(definition("default"))["Steps"]}
    (file,) = steps["Evaluate"]["PropertyFiles"]
    (condition,) = steps["GoodEnough"]["Arguments"]["Conditions"]
    assert (file["FilePath"], condition["LeftValue"]["Std:JsonGet"]["Path"]) == ("comparison.json", "auc_lower_bound")


@pytest.mark.parametrize("combination", ["default", "tuned"])
def test_the_doctor_asks_for_every_instance_that_the_pipeline_runs_at_once(combination: str) -> None:
    """Steps follow one another; the jobs that a search runs at once count each with all its instances."""
    needed: dict[str, int] = {}
    for request in requests(definition(combination)):
        sent = request.request
        if request.operation == "CreateProcessingJob":
            cluster, jobs, uses = sent["ProcessingResources"]["ClusterConfig"], 1, ["processing job"]
        elif request.operation in OF_TRAINING:
            limits = sent.get("HyperParameterTuningJobConfig", {}).get("ResourceLimits", {})
            cluster = sent.get("TrainingJobDefinition", sent)["ResourceConfig"]
            jobs, uses = limits.get("MaxParallelTrainingJobs", 1), ["training job", "spot training job"]
        else:
            continue
        for use in uses:
            name = f"{cluster['InstanceType']} for {use} usage"
            needed[name] = max(needed.get(name, 0), jobs * cluster["InstanceCount"])
    settings = Settings(**COMBINATIONS[combination])
    asked = wanted_quotas(settings)
    assert needed.items() <= asked.items()
    assert len(needed) == 3
    instances = needed["ml.m5.large for training job usage"]
    assert {asked[f"{type_} for spot training job usage"] for type_ in settings.training_instance_types} == {instances}


def test_data_comes_as_it_is_read_from_s3_unless_the_settings_say_otherwise() -> None:
    (usual,), (changed,) = training_definitions("default"), training_definitions("tuned")
    assert {channel["InputMode"] for channel in usual["InputDataConfig"]} == {"FastFile"}
    assert {channel["InputMode"] for channel in changed["InputDataConfig"]} == {"File"}


def test_several_instances_read_all_rows_and_encrypt_what_they_tell_each_other() -> None:
    (alone,), (together,) = training_definitions("default"), training_definitions("tuned")
    assert (alone["ResourceConfig"]["InstanceCount"], alone["EnableInterContainerTrafficEncryption"]) == (1, False)
    assert together["ResourceConfig"]["InstanceCount"] == 2
    assert together["EnableInterContainerTrafficEncryption"] is True
    sources = [channel["DataSource"]["S3DataSource"] for channel in together["InputDataConfig"]]
    assert {source["S3DataDistributionType"] for source in sources} == {"FullyReplicated"}


@pytest.mark.parametrize("tuning", [tuning for tuning in Tuning if tuning != Tuning.OFF])
def test_every_way_of_searching_is_one_that_sagemaker_takes(tuning: Tuning) -> None:
    text = json.dumps(replace(STEPS, tuning=tuning).definition())
    assert complaints(text) == []
    (search,) = [request.request for request in requests(text) if request.step == "Tune"]
    assert search["HyperParameterTuningJobConfig"]["Strategy"] == tuning.capitalize()


def test_hyperband_gives_out_rounds_which_are_not_given() -> None:
    (search,) = [
        request.request
        for request in requests(json.dumps(replace(STEPS, tuning=Tuning.HYPERBAND).definition()))
        if request.step == "Tune"
    ]
    assert "num_round" not in search["TrainingJobDefinition"]["StaticHyperParameters"]
    assert "HyperbandStrategyConfig" in search["HyperParameterTuningJobConfig"]["StrategyConfig"]


def test_a_search_is_bounded_in_jobs_jobs_at_once_and_time() -> None:
    config = sent("tuned")["Tune"]["HyperParameterTuningJobConfig"]
    assert config["Strategy"] == "Bayesian"
    assert config["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": MOST_JOBS,
        "MaxParallelTrainingJobs": MOST_AT_ONCE,
        "MaxRuntimeInSeconds": 7200,
    }
    assert config["HyperParameterTuningJobObjective"] == {"Type": "Maximize", "MetricName": "validation:auc"}


def test_the_jobs_of_a_search_keep_their_checkpoints_apart() -> None:
    fixed = sent("tuned")["Tune"]["TrainingJobDefinition"]["StaticHyperParameters"]
    assert fixed["checkpoint_path"] == "/opt/ml/checkpoints/$TRAINING_JOB_NAME"


def test_the_evaluation_of_a_search_is_of_its_best_job() -> None:
    (model,) = [i for i in sent("tuned")["Evaluate"]["ProcessingInputs"] if i["InputName"] == "model"]
    assert model["S3Input"]["S3Uri"] == "s3://artifacts/artifacts/placeholder/output/model.tar.gz"


@pytest.mark.parametrize("region", REGIONS)
def test_the_image_is_known_wherever_the_pipeline_is_built(region: str) -> None:
    assert region in ACCOUNTS or "Training" in missing_stacks(region)


class TestCode:
    def test_is_the_same_archive_every_time(self) -> None:
        assert archive() == archive()

    def test_is_the_archive_of_training_and_of_processing(self) -> None:
        uris = {
            *(
                i["S3Input"]["S3Uri"]
                for s in ("Dataset", "Evaluate")
                for i in sent("default")[s]["ProcessingInputs"][:1]
            ),
            json.loads(sent("default")["Train"]["HyperParameters"]["sagemaker_submit_directory"]),
        }
        assert len(uris) == 1
