"""Hyperparameter tuning jobs: training jobs with hyperparameters that a strategy chooses, within the ranges.

The training jobs run one after the other, however many MaxParallelTrainingJobs allows: they would share this machine.
All of them are given the definition's CheckpointConfig as it is. Kept and reported, without effect: early stopping of
training jobs other than Hyperband's, and all completion criteria but TargetObjectiveMetricValue. The strategy Grid,
warm start, autotune and several definitions are refused.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from practice.local_cloud import background
from practice.local_cloud.sagemaker import tags, training_jobs
from practice.local_cloud.sagemaker.api import (
    Operation,
    Record,
    Records,
    Request,
    arn,
    in_use,
    invalid,
    not_found,
    page,
    require_unended,
)
from practice.local_cloud.sagemaker.training_run import TrainingRun
from practice.local_cloud.sagemaker.tuning_ranges import ranges
from practice.local_cloud.sagemaker.tuning_strategies import BayesianSearch, HyperbandSearch, RandomSearch

_TICK_SECONDS = 0.1
_STRATEGIES = ("Bayesian", "Hyperband", "Random")
_REFUSED = ("Autotune", "TrainingJobDefinitions", "WarmStartConfig")
_NOT_OF_TRAINING = (
    "DefinitionName",
    "HyperParameterRanges",
    "HyperParameterTuningResourceConfig",
    "StaticHyperParameters",
    "TuningObjective",
)
_RESOURCES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_COUNTED = {
    "Completed": "Completed",
    "Failed": "NonRetryableError",
    "InProgress": "InProgress",
    "Stopped": "Stopped",
    "Stopping": "InProgress",
}


class TuningRun:
    """Runs the job that a record describes, and keeps the record."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.config: Mapping[str, Any] = record["HyperParameterTuningJobConfig"]
        self._objective = self.config["HyperParameterTuningJobObjective"]
        self._sign = 1 if self._objective["Type"] == "Maximize" else -1
        self._ranges = ranges(self.config.get("ParameterRanges", {}))
        self._trainings: list[tuple[TrainingRun, dict[str, str]]] = []
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        self._enter("InProgress")

    def stop(self) -> None:
        self._enter("Stopping")
        self._stopping.set()

    def run(self) -> None:
        """The job's own thread."""
        try:
            status = self._tune()
        except Exception as error:
            status = "Failed"
            self.record["FailureReason"] = f"{type(error).__name__}: {error}"[:1024]
        self.record["HyperParameterTuningEndTime"] = time.time()
        self._enter(status)

    def _tune(self) -> str:
        search = self._search()
        limits = self.config["ResourceLimits"]
        target = self.config.get("TuningJobCompletionCriteria", {}).get("TargetObjectiveMetricValue")
        while len(self._trainings) < limits["MaxNumberOfTrainingJobs"] and not self._is_over():
            point = search.suggest()
            run = self._train({one.name: one.value(at) for one, at in zip(self._ranges, point, strict=True)})
            while not run.ended.wait(_TICK_SECONDS):
                if self._is_over() or search.is_hopeless(self._scores(run)):
                    run.stop()
            if scores := self._scores(run):
                search.tell(point, scores[-1])
                if target is not None and scores[-1] >= self._sign * target:
                    break
        if self._stopping.is_set():
            return "Stopped"
        if not any(self._scores(run) for run, _ in self._trainings):
            reasons = [run.record["FailureReason"] for run, _ in self._trainings if "FailureReason" in run.record]
            self.record["FailureReason"] = (
                "No training job succeeded with a value of the objective metric "
                f"{self._objective['MetricName']!r}. {' '.join(reasons[-1:])}"
            )[:1024]
            return "Failed"
        return "Completed"

    def _search(self) -> RandomSearch:
        dimensions, seed = len(self._ranges), self.config.get("RandomSeed")
        match self.config["Strategy"]:
            case "Bayesian":
                return BayesianSearch(dimensions, seed)
            case "Hyperband":
                least, most = resources(self.record)
                return HyperbandSearch(dimensions, seed, least=least, most=most or least)
            case _:
                return RandomSearch(dimensions, seed)

    def _is_over(self) -> bool:
        limit = self.config["ResourceLimits"].get("MaxRuntimeInSeconds")
        late = limit is not None and time.time() - self.record["CreationTime"] > limit
        return late or self._stopping.is_set()

    def _train(self, tuned: dict[str, str]) -> TrainingRun:
        name = f"{self.record['HyperParameterTuningJobName']}-{len(self._trainings) + 1:03}-{secrets.token_hex(4)}"
        run = training_jobs.create(
            training_request(self.record, tuned)
            | {"TrainingJobName": name, "TuningJobArn": self.record["HyperParameterTuningJobArn"]}
        )
        self._trainings.append((run, tuned))
        return run

    def _scores(self, run: TrainingRun) -> list[float]:
        """The objective's values so far, more being better; of a job that failed, none."""
        if run.record["TrainingJobStatus"] == "Failed":
            return []
        return [self._sign * value for value in run.values(self._objective["MetricName"])]

    # -- as the API tells it

    def described(self) -> Record:
        summaries = self.summaries()
        done = [s for s in summaries if (s["TrainingJobStatus"], s["ObjectiveStatus"]) == ("Completed", "Succeeded")]
        statuses = Counter(_COUNTED[one["TrainingJobStatus"]] for one in summaries)
        objectives = Counter(one["ObjectiveStatus"] for one in summaries)
        described: Record = {
            **self.record,
            "TrainingJobStatusCounters": {name: statuses[name] for name in (*_COUNTED.values(), "RetryableError")},
            "ObjectiveStatusCounters": {name: objectives[name] for name in ("Succeeded", "Pending", "Failed")},
            "Strategy": self.config["Strategy"],
            "ResourceLimits": self.config["ResourceLimits"],
        }
        if done:
            described["BestTrainingJob"] = max(done, key=self._score_of)
        return described

    def summaries(self) -> list[Record]:
        return [self._summary(run, tuned) for run, tuned in list(self._trainings)]

    def _score_of(self, summary: Record) -> float:
        return self._sign * float(summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])

    def _summary(self, run: TrainingRun, tuned: Mapping[str, str]) -> Record:
        summary = {
            **run.record,
            "TuningJobName": self.record["HyperParameterTuningJobName"],
            "TunedHyperParameters": tuned,
            "ObjectiveStatus": "Pending",
        }
        if run.ended.is_set():
            scores = self._scores(run)
            summary["ObjectiveStatus"] = "Succeeded" if scores else "Failed"
            if scores:
                summary["FinalHyperParameterTuningJobObjectiveMetric"] = {
                    **self._objective,
                    "Value": self._sign * scores[-1],
                }
                summary["FinalObjectiveMetricValue"] = self._sign * scores[-1]
        return summary

    def _enter(self, status: str) -> None:
        """Change the status, unless the job has ended."""
        with self._changing:
            if self.record.get("Status", "InProgress") in ("InProgress", "Stopping"):
                self.record.update(LastModifiedTime=time.time(), HyperParameterTuningJobStatus=status, Status=status)


_RUNS: Records[str, TuningRun] = Records()


def training_request(request: Request, tuned: Mapping[str, str]) -> Record:
    """The request of a training job with these hyperparameters, without its name."""
    definition = request["TrainingJobDefinition"]
    objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    return {
        **{name: value for name, value in definition.items() if name not in _NOT_OF_TRAINING},
        "HyperParameters": {
            "_tuning_objective_metric": objective,
            **definition.get("StaticHyperParameters", {}),
            **tuned,
        },
    }


def resources(request: Request) -> tuple[int, int | None]:
    """What Hyperband gives a training job at least and at most, in values of the objective; None if it is not told."""
    config = request["HyperParameterTuningJobConfig"].get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    static = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    inferred = next((int(static[name].strip('"')) for name in _RESOURCES if name in static), None)
    return config.get("MinResource", 1), config.get("MaxResource", inferred)


def _complaints(request: Request) -> Iterator[str]:
    config = request["HyperParameterTuningJobConfig"]
    if used := [name for name in _REFUSED if name in request]:
        yield f"the local cloud does not emulate {', '.join(used)}."
    if config["Strategy"] not in _STRATEGIES:
        yield f"Strategy is {config['Strategy']!r}; the local cloud has {', '.join(_STRATEGIES)}."
    if "MaxNumberOfTrainingJobs" not in config["ResourceLimits"]:
        yield "ResourceLimits.MaxNumberOfTrainingJobs is missing; without it a tuning job has no end."
    yield from filter(None, (one.complaint() for one in ranges(config.get("ParameterRanges", {}))))
    if not any(config.get("ParameterRanges", {}).values()):
        yield "ParameterRanges are missing; there is nothing to tune."
    if "TrainingJobDefinition" not in request or "HyperParameterTuningJobObjective" not in config:
        yield "TrainingJobDefinition or HyperParameterTuningJobObjective is missing."
        return
    algorithm = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    defined = [metric["Name"] for metric in algorithm.get("MetricDefinitions", ())]
    if (name := config["HyperParameterTuningJobObjective"]["MetricName"]) not in defined:
        yield f"the objective metric is {name!r}; MetricDefinitions has {', '.join(defined) or 'none'}."
    if config["Strategy"] == "Hyperband" and resources(request)[1] is None:
        yield f"HyperbandStrategyConfig.MaxResource is missing; StaticHyperParameters have no {', '.join(_RESOURCES)}."


def _create(request: Request) -> Record:
    name = request["HyperParameterTuningJobName"]
    job_arn = arn(f"hyper-parameter-tuning-job/{name.lower()}")
    if name in _RUNS.here:
        raise in_use(f"Hyperparameter tuning job names must be unique, and {job_arn} already exists.")
    if found := list(_complaints(request)):
        raise invalid(" ".join(found))
    training_jobs.check(training_request(request, {}))
    record = {**request, "HyperParameterTuningJobArn": job_arn, "Arn": job_arn, "CreationTime": time.time()}
    _RUNS.here[name] = run = TuningRun(record)
    tags.attach(job_arn, request.get("Tags"))
    background.start(f"tuning-{name}", run.run)
    return record


def _find(request: Request) -> TuningRun:
    try:
        return _RUNS.here[request["HyperParameterTuningJobName"]]
    except KeyError:
        name = request["HyperParameterTuningJobName"]
        raise not_found(f"Amazon SageMaker can't find a tuning job with name {name}") from None


def _describe(request: Request) -> Record:
    return _find(request).described()


def _list(request: Request) -> Record:
    records = [run.described() for run in _RUNS.here.values()]
    return page(request, "HyperParameterTuningJobSummaries", records, name="HyperParameterTuningJobName")


def _list_trainings(request: Request) -> Record:
    summaries: Sequence[Record] = _find(request).summaries()
    if request.get("SortBy") == "FinalObjectiveMetricValue":
        # a job without a value is not in the list
        summaries = [summary for summary in summaries if "FinalObjectiveMetricValue" in summary]
    return page(request, "TrainingJobSummaries", summaries, name="TrainingJobName")


def _stop(request: Request) -> None:
    run = _find(request)
    require_unended("tuning job", run.record["HyperParameterTuningJobStatus"])
    run.stop()


OPERATIONS: Mapping[str, Operation] = {
    "CreateHyperParameterTuningJob": _create,
    "DescribeHyperParameterTuningJob": _describe,
    "ListHyperParameterTuningJobs": _list,
    "ListTrainingJobsForHyperParameterTuningJob": _list_trainings,
    "StopHyperParameterTuningJob": _stop,
}
