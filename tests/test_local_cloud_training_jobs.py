"""SageMaker training jobs on the local cloud: the script really runs, as it would in the container."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.sagemaker.job_process import JobProcess, localized
from tests.patience import PATIENCE
from tests.sagemaker_jobs import SageMakerJobs, passed

SLEEP = "import time; print('sleeping', flush=True); time.sleep(3600)"
TELL = "import json, os, sys; print(json.dumps([sys.argv, dict(os.environ)]))"
COUNT = """
    # counts to eleven and waits to be interrupted; from a checkpoint on, counts to twelve and ends
    import os, pathlib, time
    place = pathlib.Path(os.environ["SM_MODEL_DIR"]).parent / "checkpoints" / "count"
    resumed = place.exists()
    count = int(place.read_text()) if resumed else 0
    print("from", count)
    while count < 12:
        count += resumed or count < 11
        time.sleep(0.1)
        place.with_suffix(".new").write_text(str(count))
        place.with_suffix(".new").replace(place)
    print("reached", count)
"""


@pytest.fixture(scope="module")
def jobs(local_cloud: LocalCloud) -> SageMakerJobs:
    return SageMakerJobs(local_cloud)


def test_script_finds_what_the_container_would_give_it(jobs: SageMakerJobs) -> None:
    """Arguments and SM_ variables, as https://github.com/aws/sagemaker-training-toolkit makes them."""
    jobs.put("told/part-0", b"")
    given = {"eta": 0.1, "objective": "binary:logistic", "checkpoint_path": "/opt/ml/checkpoints", "n": 3}

    job = jobs.train(TELL, given, InputDataConfig=[jobs.channel("told")], Environment={"HOME_OF": "/opt/ml/model"})

    argv, environment = json.loads(jobs.lines(job["TrainingJobName"])[0])
    assert argv == [
        *("train.py", "--checkpoint_path", "/opt/ml/checkpoints", "--eta", "0.1", "-n", "3"),
        *("--objective", "binary:logistic"),
    ]
    assert json.loads(environment["SM_USER_ARGS"]) == argv[1:]
    assert json.loads(environment["SM_HPS"]) == given
    assert {name: environment[name] for name in environment if name.startswith("SM_")}.items() >= {
        "SM_CHANNELS": '["told"]',
        "SM_CHANNEL_TOLD": "/opt/ml/input/data/told",
        "SM_HP_ETA": "0.1",
        "SM_INPUT_DIR": "/opt/ml/input",
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_NUM_CPUS": str(os.cpu_count()),
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_OUTPUT_DIR": "/opt/ml/output",
        "SM_USER_ENTRY_POINT": "train.py",
    }.items()
    assert environment["TRAINING_JOB_NAME"] == job["TrainingJobName"]
    assert environment["HOME_OF"] == "/opt/ml/model"
    assert environment["AWS_ACCESS_KEY_ID"] == jobs.cloud.state.access.access_key_id
    assert Path(environment["HOME"]).is_relative_to(jobs.cloud.directory)


def test_configuration_files_say_what_was_asked_for(jobs: SageMakerJobs) -> None:
    jobs.put("read/part-0", b"")
    script = """
        import os, pathlib
        for name in ("hyperparameters", "inputdataconfig", "resourceconfig"):
            print((pathlib.Path(os.environ["SM_INPUT_DIR"]) / "config" / f"{name}.json").read_text())
    """

    job = jobs.train(script, {"eta": 0.1}, InputDataConfig=[jobs.channel("read") | {"ContentType": "text/csv"}])

    hyperparameters, inputs, resources = map(json.loads, jobs.lines(job["TrainingJobName"]))
    assert hyperparameters == job["HyperParameters"]
    assert inputs["read"]["TrainingInputMode"] == "File"
    assert inputs["read"]["ContentType"] == "text/csv"
    assert (resources["hosts"], resources["current_instance_type"]) == ([resources["current_host"]], "ml.m5.large")


def test_job_passes_through_the_statuses_to_a_model_in_s3(jobs: SageMakerJobs) -> None:
    jobs.put("train/a.txt", "1")
    jobs.put("train/sub/b.txt", "2")
    script = """
        import os, pathlib
        data = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"])
        read = sum(int(file.read_text()) for file in data.rglob("*.txt"))
        (pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model").write_text(str(read))
        (pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"]) / "extra").write_text(str((data / "sub" / "b.txt").exists()))
    """

    job = jobs.train(script, InputDataConfig=[jobs.channel("train") | {"InputMode": "FastFile"}])

    output = jobs.uri(f"models/{job['TrainingJobName']}/output")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    assert passed(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all("EndTime" in transition for transition in job["SecondaryStatusTransitions"])
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": f"{output}/model.tar.gz"}
    assert jobs.unpacked(f"{output}/model.tar.gz") == {"model": "3"}
    assert jobs.unpacked(f"{output}/output.tar.gz") == {"extra": "True"}
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1


def test_final_metrics_are_the_last_that_the_regex_finds(jobs: SageMakerJobs) -> None:
    script = "print('[0] validation-auc:0.5')\nprint('[1] validation-auc:0.75')"
    metric = {"Name": "validation:auc", "Regex": r"validation-auc:([0-9.]+)"}
    algorithm = jobs.definition("")["AlgorithmSpecification"] | {"MetricDefinitions": [metric]}

    job = jobs.train(script, AlgorithmSpecification=algorithm)

    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("validation:auc", 0.75)]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise ValueError('/opt/ml is empty')", "ValueError: /opt/ml is empty, exit code: 1"),
        (
            "import os, sys\nopen(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('no rows')\nsys.exit(3)",
            "AlgorithmError: no rows, exit code: 3",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit code: 137"),
    ],
)
def test_failed_job_says_why(jobs: SageMakerJobs, script: str, reason: str) -> None:
    job = jobs.train(script)

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].endswith(reason)
    assert "ModelArtifacts" not in job or not job["ModelArtifacts"].get("S3ModelArtifacts")


def test_missing_input_is_a_client_error(jobs: SageMakerJobs) -> None:
    job = jobs.train("", InputDataConfig=[jobs.channel("nothing")])

    assert job["FailureReason"].startswith("ClientError: No S3 objects found under S3 URL")
    assert passed(job) == ["Starting", "Downloading", "Failed"]


def test_stopped_job_keeps_the_model_it_had_saved(jobs: SageMakerJobs) -> None:
    script = f"""
        import os, pathlib
        (pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model").write_text("so far")
        {SLEEP}
    """
    name = jobs.start(script)
    jobs.wait(name, "SecondaryStatus", {"Training"})
    while "sleeping" not in _said(jobs, name):
        time.sleep(0.05)

    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    job = jobs.wait(name)

    assert (job["TrainingJobStatus"], passed(job)[-2:]) == ("Stopped", ["Stopping", "Stopped"])
    assert jobs.unpacked(job["ModelArtifacts"]["S3ModelArtifacts"]) == {"model": "so far"}
    with pytest.raises(ClientError, match="is in status Stopped"):
        jobs.sagemaker.stop_training_job(TrainingJobName=name)


def test_job_that_takes_too_long_is_ended(jobs: SageMakerJobs) -> None:
    both = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    long, waiting = (
        jobs.start(SLEEP, StoppingCondition={"MaxRuntimeInSeconds": 1}),
        jobs.start(SLEEP, StoppingCondition=both, EnableManagedSpotTraining=True),
    )

    ends = [jobs.wait(name) for name in (long, waiting)]

    assert [job["TrainingJobStatus"] for job in ends] == ["Stopped", "Stopped"]
    assert [job["SecondaryStatus"] for job in ends] == ["MaxRuntimeExceeded", "MaxWaitTimeExceeded"]


@pytest.mark.parametrize("mode", ["notice", "kill"])
def test_interrupted_job_goes_on_from_its_checkpoint(jobs: SageMakerJobs, mode: str) -> None:
    place = f"interrupted-{mode}"
    name = jobs.start_spot(COUNT, CheckpointConfig={"S3Uri": jobs.uri(place)})
    jobs.wait_for_object(f"{place}/count")

    jobs.interrupt(name, mode)
    job = jobs.wait(name)

    first, resumed, reached = jobs.lines(name)
    assert (first, reached) == ("from 0", "reached 12")
    assert int(resumed.removeprefix("from ")) >= 1
    attempt = ["Starting", "Downloading", "Training"]
    assert passed(job) == [*attempt, "Interrupted", *attempt, "Uploading", "Completed"]
    assert job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]


def test_script_has_time_for_a_checkpoint_before_the_machine_is_taken(jobs: SageMakerJobs) -> None:
    script = """
        import os, pathlib, signal, sys, time
        place = pathlib.Path(os.environ["SM_MODEL_DIR"]).parent / "checkpoints" / "saved"
        if place.exists():
            sys.exit(print("found", place.read_text()))
        def save(*_):
            time.sleep(0.3)
            place.write_text("in time")
            sys.exit(143)
        signal.signal(signal.SIGTERM, save)
        print("ready", flush=True)
        time.sleep(3600)
    """
    name = jobs.start_spot(script, CheckpointConfig={"S3Uri": jobs.uri("notice")})
    while "ready" not in _said(jobs, name):
        time.sleep(0.05)

    jobs.interrupt(name)

    assert jobs.wait(name)["TrainingJobStatus"] == "Completed"
    assert jobs.lines(name) == ["ready", "found in time"]


def test_job_of_another_name_finds_the_checkpoints_of_the_same_place(jobs: SageMakerJobs) -> None:
    jobs.put("earlier/count", "12")

    job = jobs.train(COUNT, CheckpointConfig={"S3Uri": jobs.uri("earlier")})

    assert jobs.lines(job["TrainingJobName"]) == ["from 12", "reached 12"]


def test_only_a_spot_job_that_is_training_is_interrupted(jobs: SageMakerJobs) -> None:
    name = jobs.train("")["TrainingJobName"]
    spot = jobs.start_spot("import time; time.sleep(1)")
    jobs.wait(spot)

    for job, refusal in ((name, "not run on spot"), (spot, "is Completed"), ("other", "no training job")):
        with pytest.raises(RuntimeError, match=refusal):
            jobs.interrupt(job)


def test_instances_are_processes_that_can_find_each_other(jobs: SageMakerJobs) -> None:
    for number in range(4):
        jobs.put(f"shards/part-{number}", "")
    script = """
        import json, os, pathlib, socket
        hosts = json.loads(os.environ["SM_HOSTS"])
        socket.getaddrinfo(hosts[0], 80)
        rank = hosts.index(os.environ["SM_CURRENT_HOST"])
        names = sorted(file.name for file in pathlib.Path(os.environ["SM_CHANNEL_SHARDS"]).iterdir())
        (pathlib.Path(os.environ["SM_MODEL_DIR"]) / f"rank-{rank}").write_text(" ".join(names))
    """
    channel = jobs.channel("shards", S3DataDistributionType="ShardedByS3Key")
    two = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10}

    job = jobs.train(script, InputDataConfig=[channel], ResourceConfig=two)

    assert jobs.unpacked(job["ModelArtifacts"]["S3ModelArtifacts"]) == {
        "rank-0": "part-0 part-2",
        "rank-1": "part-1 part-3",
    }


def test_one_failed_instance_fails_the_job(jobs: SageMakerJobs) -> None:
    script = f"""
        import os
        if os.environ["SM_CURRENT_HOST"].endswith("2"):
            raise ValueError("lost")
        {SLEEP}
    """

    job = jobs.train(script, ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10})

    assert job["FailureReason"].endswith("ValueError: lost, exit code: 1")


def test_jobs_are_listed_by_name_status_and_time(jobs: SageMakerJobs) -> None:
    job = jobs.train("")
    name, changed = job["TrainingJobName"], job["LastModifiedTime"]

    def listed(**request: Any) -> list[str]:
        found = jobs.sagemaker.list_training_jobs(NameContains=name, **request)["TrainingJobSummaries"]
        return [job["TrainingJobName"] for job in found]

    assert listed(StatusEquals="Completed") == listed(LastModifiedTimeBefore=changed + timedelta(1)) == [name]
    assert listed(StatusEquals="Failed") == listed(LastModifiedTimeAfter=changed + timedelta(1)) == []


def test_name_is_used_once(jobs: SageMakerJobs) -> None:
    name = jobs.train("")["TrainingJobName"]

    with pytest.raises(jobs.sagemaker.exceptions.ResourceInUse, match="must be unique"):
        jobs.sagemaker.create_training_job(TrainingJobName=name, **jobs.definition(""))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (
            {"AlgorithmSpecification": {"TrainingImage": "a/pytorch:2", "TrainingInputMode": "File"}},
            "Use sagemaker-xgb",
        ),
        ({"HyperParameters": {"eta": "0.1"}}, "lack sagemaker_program and sagemaker_submit_directory"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds is None"),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 9}},
            "with EnableManagedSpotTraining",
        ),
    ],
)
def test_what_cannot_run_is_refused(jobs: SageMakerJobs, change: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ClientError, match=refusal):
        jobs.start("", **change)


def test_pipe_mode_is_refused(jobs: SageMakerJobs) -> None:
    with pytest.raises(ClientError, match="Use FastFile or File"):
        jobs.start("", InputDataConfig=[jobs.channel("train") | {"InputMode": "Pipe"}])


def test_script_that_ignores_the_signal_is_killed_with_what_it_started(tmp_path: Path) -> None:
    script = "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN); "
    script += f"print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True); time.sleep(3600)"
    log = tmp_path / "log"
    process = JobProcess([sys.executable, "-c", script], directory=tmp_path, output=log, environment=dict(os.environ))
    started = _process_told_in(log)
    process.terminate()
    assert not process.wait(0.2)

    process.end()

    assert process.exit_code == 137
    deadline = time.monotonic() + PATIENCE
    while started.is_running() and started.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "what the script started still runs"
        time.sleep(0.05)


def test_script_ends_with_the_local_cloud(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(f"import os; print(os.getpid(), flush=True)\n{SLEEP}")
    parent = f"""
import os, pathlib, sys, time
from practice.local_cloud.sagemaker.job_process import JobProcess
place = pathlib.Path({str(tmp_path)!r})
JobProcess([sys.executable, "job.py"], directory=place, output=place / "log", environment=dict(os.environ))
time.sleep(3600)
"""
    cloud = subprocess.Popen([sys.executable, "-c", parent])  # noqa: S603 - our own program
    running = _process_told_in(tmp_path / "log")

    # killed, so that it can stop nothing itself
    cloud.kill()
    cloud.wait()

    assert not psutil.wait_procs([running], timeout=PATIENCE)[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/opt/ml/model", "/tmp/x/ml/model"),  # noqa: S108
        ("tar -xzf /opt/ml/a.tgz -C /opt/ml", "tar -xzf /tmp/x/ml/a.tgz -C /tmp/x/ml"),
        ("--path=/opt/ml", "--path=/tmp/x/ml"),
        ("s3://bucket/opt/ml/model", "s3://bucket/opt/ml/model"),
        ("/opt/mlops", "/opt/mlops"),
    ],
)
def test_paths_of_the_container_are_those_of_the_temporary_root(text: str, expected: str) -> None:
    assert localized(text, Path("/tmp/x/ml")) == expected  # noqa: S108


def _said(jobs: SageMakerJobs, name: str) -> str:
    try:
        return " ".join(jobs.lines(name))
    except jobs.logs.exceptions.ResourceNotFoundException:
        return ""


def _process_told_in(log: Path) -> psutil.Process:
    """The process whose id a script writes."""
    deadline = time.monotonic() + PATIENCE
    while not log.exists() or not re.match(r"\d+\n", log.read_text()):
        assert time.monotonic() < deadline, "the script has not begun"
        time.sleep(0.02)
    return psutil.Process(int(log.read_text().split()[0]))
