"""SageMaker tuning jobs on the local cloud: training jobs whose hyperparameters a strategy chooses within bounds."""

from __future__ import annotations

import json
import math
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.sagemaker.tuning_ranges import Categories, NumberRange
from practice.local_cloud.sagemaker.tuning_strategies import BayesianSearch, HyperbandSearch
from tests.patience import PATIENCE
from tests.sagemaker_jobs import ENDED, SageMakerJobs

SCRIPT = "import sys; a = dict(zip(sys.argv[1::2], sys.argv[2::2])); print('score:', (float(a['--eta']) - 0.3) ** 2)"
ETA = {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5", "ScalingType": "Linear"}]}


@pytest.fixture(scope="module")
def jobs(local_cloud: LocalCloud) -> SageMakerJobs:
    return SageMakerJobs(local_cloud)


def start(jobs: SageMakerJobs, script: str, config: dict[str, Any] | None = None, most: int = 3, **request: Any) -> str:
    name = f"tune-{uuid.uuid4().hex[:8]}"
    definition = jobs.definition(script)
    definition["StaticHyperParameters"] = definition.pop("HyperParameters")
    definition["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "score", "Regex": r"score: ([0-9.e-]+)"}]
    jobs.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": ETA,
            "RandomSeed": 3,
            **(config or {}),
        },
        TrainingJobDefinition=definition,
        **request,
    )
    return name


def wait(jobs: SageMakerJobs, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        job = jobs.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if job["HyperParameterTuningJobStatus"] in ENDED:
            return dict(job)
        assert time.monotonic() < deadline, job["TrainingJobStatusCounters"]
        time.sleep(0.05)


def trainings(jobs: SageMakerJobs, name: str, **request: Any) -> list[dict[str, Any]]:
    listed = jobs.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, **request
    )
    found: list[dict[str, Any]] = listed["TrainingJobSummaries"]
    return found


def test_as_many_jobs_as_allowed_run_within_the_bounds_and_the_best_is_told(jobs: SageMakerJobs) -> None:
    name = start(jobs, SCRIPT)

    job = wait(jobs, name)

    ran = trainings(jobs, name, SortBy="FinalObjectiveMetricValue", SortOrder="Ascending")
    tried = [float(one["TunedHyperParameters"]["eta"]) for one in ran]
    scores = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in ran]
    assert len(set(tried)) == 3
    assert all(0.1 <= eta <= 0.5 for eta in tried)
    assert scores == sorted(scores) == pytest.approx([(eta - 0.3) ** 2 for eta in tried])
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["BestTrainingJob"]["TrainingJobName"] == ran[0]["TrainingJobName"]
    assert (job["TrainingJobStatusCounters"]["Completed"], job["ObjectiveStatusCounters"]["Succeeded"]) == (3, 3)


def test_training_job_is_told_what_is_tuned_and_nothing_of_how(jobs: SageMakerJobs) -> None:
    name = start(jobs, f"{SCRIPT}; print(sys.argv)", most=1)
    wait(jobs, name)
    (training,) = trainings(jobs, name)

    described = jobs.sagemaker.describe_training_job(TrainingJobName=training["TrainingJobName"])

    assert described["TuningJobArn"].endswith(f"hyper-parameter-tuning-job/{name}")
    assert described["HyperParameters"]["_tuning_objective_metric"] == "score"
    told = json.loads(jobs.lines(training["TrainingJobName"])[1].replace("'", '"'))
    assert told == ["train.py", "--eta", training["TunedHyperParameters"]["eta"]]


def test_objective_that_is_reached_ends_the_job(jobs: SageMakerJobs) -> None:
    criteria = {"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 1.0}}

    job = wait(jobs, start(jobs, SCRIPT, criteria))

    assert job["TrainingJobStatusCounters"]["Completed"] == 1


def test_hyperband_stops_what_does_badly_early(jobs: SageMakerJobs) -> None:
    """Of this seed the second eta is the worse one."""
    script = f"for round in range(4):\n    {SCRIPT}; sys.stdout.flush(); __import__('time').sleep(0.4)"
    resources = {"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 4}}}
    name = start(jobs, script, {"Strategy": "Hyperband", "RandomSeed": 1, **resources}, most=2)

    job = wait(jobs, name)

    first, second = trainings(jobs, name)
    assert (first["TrainingJobStatus"], second["TrainingJobStatus"]) == ("Completed", "Stopped")
    assert job["BestTrainingJob"]["TrainingJobName"] == first["TrainingJobName"]


def test_stopped_job_stops_its_training_job(jobs: SageMakerJobs) -> None:
    name = start(jobs, "import time; time.sleep(3600)")
    while not trainings(jobs, name):
        time.sleep(0.05)

    jobs.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)

    assert wait(jobs, name)["HyperParameterTuningJobStatus"] == "Stopped"
    assert [one["TrainingJobStatus"] for one in trainings(jobs, name)] == ["Stopped"]


def test_job_without_a_value_of_the_objective_fails(jobs: SageMakerJobs) -> None:
    job = wait(jobs, start(jobs, "raise ValueError('no data')", most=1))

    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert "No training job succeeded" in job["FailureReason"]
    assert "no data" in job["FailureReason"]
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 1
    listed = jobs.sagemaker.list_hyper_parameter_tuning_jobs(StatusEquals="Failed")["HyperParameterTuningJobSummaries"]
    assert job["HyperParameterTuningJobName"] in [one["HyperParameterTuningJobName"] for one in listed]


@pytest.mark.parametrize(
    ("config", "refusal"),
    [
        ({"Strategy": "Grid"}, "the local cloud has Bayesian, Hyperband, Random"),
        ({"Strategy": "Hyperband"}, "MaxResource is missing"),
        ({"ResourceLimits": {"MaxParallelTrainingJobs": 1}}, "MaxNumberOfTrainingJobs is missing"),
        (
            {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"}},
            "MetricDefinitions has score",
        ),
        (
            {"ParameterRanges": {"IntegerParameterRanges": [{"Name": "n", "MinValue": "9", "MaxValue": "1"}]}},
            "MinValue 9.0 is above MaxValue 1.0",
        ),
    ],
)
def test_what_cannot_be_tuned_is_refused(jobs: SageMakerJobs, config: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ClientError, match=refusal):
        start(jobs, SCRIPT, config)


@pytest.mark.parametrize(
    ("scaling", "low", "high", "middle"),
    [("Linear", 0.0, 1.0, 0.5), ("Logarithmic", 0.01, 1.0, 0.1), ("ReverseLogarithmic", 0.0, 0.99, 0.9)],
)
def test_range_has_the_scale_it_asks_for(scaling: str, low: float, high: float, middle: float) -> None:
    searched = NumberRange("eta", low, high, scaling, integer=False)

    assert [float(searched.value(at)) for at in (0.0, 0.5, 1.0)] == pytest.approx([low, middle, high])


def test_automatic_scale_is_logarithmic_for_a_wide_range() -> None:
    wide, narrow = (NumberRange("n", 1, high, "Auto", integer=True).value(0.5) for high in (100, 99))

    assert (wide, narrow) == ("10", "50")


def test_every_category_has_its_share() -> None:
    searched = Categories("booster", ['"gbtree"', '"dart"'])

    assert [searched.value(at) for at in (0.0, 0.49, 0.5, 1.0)] == ['"gbtree"', '"gbtree"', '"dart"', '"dart"']


def test_bayesian_search_comes_closer_than_chance() -> None:
    """Of twelve random points in the unit square, one is within 0.06 of a given one in a search of eight."""

    def closest(search: BayesianSearch) -> float:
        distances = []
        for _ in range(12):
            point = search.suggest()
            distances.append(math.dist(point, (0.3, 0.8)))
            search.tell(point, -(distances[-1] ** 2))
        return min(distances)

    assert max(closest(BayesianSearch(2, seed)) for seed in range(3)) < 0.06


def test_hyperband_keeps_the_best_third_at_every_rung() -> None:
    search = HyperbandSearch(1, 0, least=1, most=9)

    def is_stopped(*scores: float) -> bool:
        search.suggest()
        return search.is_hopeless(scores)

    assert [is_stopped(score) for score in (0.5, 0.4, 0.6, 0.55)] == [False, True, False, False]
    assert not is_stopped(0.7, 0.7, 0.7)
    assert is_stopped(0.8, 0.8, 0.6)
