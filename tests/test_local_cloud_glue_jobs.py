"""Glue jobs on the local cloud: a run is a script that really runs, and its state says how it ended."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.spark import classes as spark_classes
from practice.local_cloud.spark import java
from practice.local_cloud.spark.job_errors import cause, error_message
from practice.local_cloud.spark.job_process import JobProcess
from tests.conftest import Deploy, free_port
from tests.glue_jobs import ROLE, Jobs
from tests.patience import PATIENCE

SHOW_ARGUMENTS = "import json, sys; print(json.dumps(sys.argv))"
SLEEP = "import time; print('sleeping', flush=True); time.sleep(3600)"


@pytest.fixture
def jobs(local_cloud: LocalCloud) -> Jobs:
    return Jobs(local_cloud)


def test_script_that_ends_succeeds_and_its_output_is_logged(jobs: Jobs) -> None:
    name = jobs.create("import sys; print('to output'); print('to error', file=sys.stderr)")

    run = jobs.run(name)

    assert run["JobRunState"] == "SUCCEEDED"
    assert "ErrorMessage" not in run
    assert run["CompletedOn"] >= run["StartedOn"]
    assert (jobs.lines(run), jobs.lines(run, "error")) == (["to output"], ["to error"])


def test_arguments_arrive_as_glue_passes_them(jobs: Jobs) -> None:
    job = jobs.create(
        SHOW_ARGUMENTS,
        DefaultArguments={"--color": "red", "--size": "1"},
        NonOverridableArguments={"--fixed": "yes"},
    )

    run = jobs.run(job, Arguments={"--size": "2", "--fixed": "no"})

    script, *arguments = json.loads(jobs.lines(run)[0])
    assert Path(script).name == f"{job}.py"
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert re.fullmatch("j_[0-9a-f]{64}", given.pop("--JOB_ID"))
    assert re.fullmatch("jr_[0-9a-f]{64}", run["Id"])
    assert given == {
        "--color": "red",
        "--size": "2",
        "--fixed": "yes",
        "--JOB_NAME": job,
        "--JOB_RUN_ID": run["Id"],
    }


def test_python_error_is_the_error_message(jobs: Jobs) -> None:
    run = jobs.run(jobs.create("x = 1\nraise ValueError('as_of is missing')"))

    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == (
        "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 2; ValueError: as_of is missing"
    )
    assert jobs.lines(run, "error")[-1] == "ValueError: as_of is missing"


def test_exit_status_decides(jobs: Jobs) -> None:
    good, bad = (jobs.run(jobs.create(f"import sys; sys.exit({code})")) for code in ("0", "'two rules failed'"))

    assert good["JobRunState"] == "SUCCEEDED"
    assert bad["ErrorMessage"].endswith("SystemExit: two rules failed")


def test_killed_script_fails(jobs: Jobs) -> None:
    run = jobs.run(jobs.create("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))

    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "Command Failed with exit code 137")


def test_extra_py_files_are_all_of_the_repository_that_a_script_sees(jobs: Jobs) -> None:
    package = jobs.package({"jobs/__init__.py": "", "jobs/shapes.py": "SIDES = 4"})
    script = "import jobs, jobs.shapes; print(jobs.shapes.SIDES, jobs.__file__)\nimport stacks"

    run = jobs.run(jobs.create(script, DefaultArguments={"--extra-py-files": package}))

    assert jobs.lines(run)[0].startswith("4 ")
    assert ".zip/" in jobs.lines(run)[0]
    assert run["ErrorMessage"] == (
        "Error Category: IMPORT_ERROR; Failed Line Number: 2; ModuleNotFoundError: No module named 'stacks'"
    )


def test_script_reaches_the_local_cloud_and_nothing_else(jobs: Jobs) -> None:
    script = f"""
        import boto3, os
        boto3.client("s3").put_object(Bucket="{jobs.bucket}", Key="from-the-job", Body=b"hello")
        print(os.environ["AWS_ACCESS_KEY_ID"], os.environ["TZ"], os.environ["HOME"])
    """

    run = jobs.run(jobs.create(script))

    assert jobs.s3.get_object(Bucket=jobs.bucket, Key="from-the-job")["Body"].read() == b"hello"
    (line,) = jobs.lines(run)
    key, zone, home = line.split()
    assert (key, zone) == (jobs.cloud.state.access.access_key_id, "UTC")
    assert Path(home).is_relative_to(jobs.cloud.directory)


def test_spark_reads_and_writes_s3_and_a_spark_error_is_its_cause_without_java(jobs: Jobs) -> None:
    script = f"""
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        print(spark.version, spark.conf.get("spark.sql.ansi.enabled"))
        table = "s3://{jobs.bucket}/table/"
        spark.range(10).selectExpr("id", "id % 2 AS part").write.partitionBy("part").parquet(table)
        print(spark.read.parquet(table).count())
        spark.range(1).selectExpr("raise_error('the reason')").collect()
    """

    run = jobs.run(jobs.create(script, DefaultArguments={"--conf": "spark.sql.ansi.enabled=true --conf spark.a=b"}))

    assert jobs.lines(run) == ["3.5.6 true", "10"]
    keys = {item["Key"].rpartition("/")[0] for item in jobs.s3.list_objects_v2(Bucket=jobs.bucket)["Contents"]}
    assert keys >= {"table/part=0", "table/part=1"}
    assert not any("_temporary" in key for key in keys)
    assert not [line for line in jobs.lines(run, "error") if "WARN" in line]
    assert run["ErrorMessage"].startswith("Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 8; ")
    assert run["ErrorMessage"].endswith("the reason")
    assert "\n" not in run["ErrorMessage"]


def test_stopped_run_is_stopped_and_so_is_its_process(jobs: Jobs) -> None:
    name = jobs.create(SLEEP)
    run_id = jobs.start(name)
    jobs.wait(name, run_id, {"RUNNING"})

    stopped = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id, "jr_unknown"])
    run = jobs.wait(name, run_id)

    assert [entry["JobRunId"] for entry in stopped["SuccessfulSubmissions"]] == [run_id]
    assert [entry["JobRunId"] for entry in stopped["Errors"]] == ["jr_unknown"]
    assert run["JobRunState"] == "STOPPED"
    assert not _processes_of(run_id)


def test_run_that_ended_cannot_be_stopped(jobs: Jobs) -> None:
    name = jobs.create("")
    run = jobs.run(name)

    answer = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run["Id"]])

    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "JobRunInTerminalStateException"


def test_run_that_takes_too_long_times_out(tmp_path: Path, local_cloud: LocalCloud) -> None:
    script = tmp_path / "sleep.py"
    script.write_text(SLEEP)
    (run := tmp_path / "run").mkdir()

    process = JobProcess(run, script, ["--JOB_RUN_ID", str(run)], access=local_cloud.state.access)
    outcome = process.wait(timeout=0.2)

    assert outcome.state == "TIMEOUT"
    assert not _processes_of(str(run))


def test_job_ends_with_the_local_cloud(tmp_path: Path) -> None:
    cloud = LocalCloud.start(tmp_path, free_port())
    jobs = Jobs(cloud)
    begun = f"import boto3; boto3.client('s3').put_object(Bucket='{jobs.bucket}', Key='begun')"
    run_id = jobs.start(jobs.create(f"{begun}\n{SLEEP}"))
    jobs.s3.get_waiter("object_exists").wait(
        Bucket=jobs.bucket, Key="begun", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )

    # killed, so that the server itself can stop nothing
    running = _processes_of(run_id)
    psutil.Process(cloud.state.pid).kill()

    _, alive = psutil.wait_procs(running, timeout=PATIENCE)
    assert running
    assert not alive


def test_no_more_runs_at_a_time_than_the_job_allows(jobs: Jobs) -> None:
    name = jobs.create(SLEEP)
    run_id = jobs.start(name)

    with pytest.raises(ClientError) as refused:
        jobs.start(name)

    assert refused.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id])
    jobs.wait(name, run_id)


def test_unknown_job_is_not_found(jobs: Jobs) -> None:
    with pytest.raises(ClientError) as refused:
        jobs.start("no-such-job")

    assert refused.value.response["Error"]["Code"] == "EntityNotFoundException"


def test_missing_script_fails_the_run_by_name(jobs: Jobs) -> None:
    name = jobs.create("")
    jobs.s3.delete_object(Bucket=jobs.bucket, Key=f"scripts/{name}.py")

    run = jobs.run(name)

    assert run["JobRunState"] == "FAILED"
    assert f"s3://{jobs.bucket}/scripts/{name}.py" in run["ErrorMessage"]


def test_what_would_have_to_be_installed_is_refused(jobs: Jobs) -> None:
    run = jobs.run(jobs.create("", DefaultArguments={"--additional-python-modules": "polars"}))

    assert run["JobRunState"] == "FAILED"
    assert "--additional-python-modules" in run["ErrorMessage"]


def test_newest_run_is_listed_first(jobs: Jobs) -> None:
    name = jobs.create("")
    first, second = jobs.run(name)["Id"], jobs.run(name)["Id"]

    listed = jobs.glue.get_job_runs(JobName=name)["JobRuns"]

    assert [run["Id"] for run in listed] == [second, first]


def test_every_property_of_a_job_in_a_template_survives(deploy: Deploy, local_cloud: LocalCloud) -> None:
    properties = {
        "Role": ROLE,
        "Command": {"Name": "glueetl", "ScriptLocation": "s3://nowhere/script.py", "PythonVersion": "3"},
        "DefaultArguments": {"--job-bookmark-option": "job-bookmark-disable"},
        "ExecutionClass": "FLEX",
        "ExecutionProperty": {"MaxConcurrentRuns": 3},
        "GlueVersion": "5.1",
        "JobRunQueuingEnabled": True,
        "MaxRetries": 0,
        "NotificationProperty": {"NotifyDelayAfter": 5},
        "NumberOfWorkers": 2,
        "SecurityConfiguration": "encrypted",
        "Timeout": 30,
        "WorkerType": "G.1X",
    }
    resource = {"Type": "AWS::Glue::Job", "Properties": {**properties, "Tags": {"sandbox": "test"}}}
    outputs = deploy({"Job": resource})
    glue = local_cloud.client("glue")

    job = glue.get_job(JobName=outputs["Job"])["Job"]

    assert {name: job[name] for name in properties} == properties
    arn = f"arn:aws:glue:us-east-1:000000000000:job/{outputs['Job']}"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"sandbox": "test"}


def test_encrypted_logs_have_a_group_of_their_configuration_and_role(jobs: Jobs) -> None:
    encryption = {"CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": "arn:aws:kms:::key/1"}}
    jobs.glue.create_security_configuration(Name=f"c-{jobs.bucket}", EncryptionConfiguration=encryption)

    run = jobs.run(jobs.create("print(1)", SecurityConfiguration=f"c-{jobs.bucket}"))

    assert run["LogGroupName"] == f"/aws-glue/jobs/c-{jobs.bucket}-role/jobs"
    assert jobs.lines(run) == ["1"]


CUT = """An error occurred while calling o259.count.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 1 in stage 35.0 failed 1 times, most recent \
failure: Lost task 1.0 in stage 35.0 (TID 34) (127.0.0.1 executor driver): java.lang.RuntimeException: s3://b/k is not \
a Parquet file. Expected magic number at tail, but found [1, 2]
\tat org.apache.parquet.hadoop.ParquetFileReader.readFooter(ParquetFileReader.java:557)
\t... 12 more
"""
CHAIN = CUT + "Caused by: java.io.IOException: the disk is full\n\tat a.b.C(D.java:1)\n"
WORKER = """An error occurred while calling o9.collect.
: org.apache.spark.SparkException: Job aborted
\tat a.b.C(D.java:1)
Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/worker.py", line 1, in main
    process()
KeyError: 'customer_id'

\tat a.b.C(D.java:1)
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CUT, "s3://b/k is not a Parquet file. Expected magic number at tail, but found [1, 2]"),
        (CHAIN, "the disk is full"),
        (WORKER, "KeyError: 'customer_id'"),
        ("[PATH_NOT_FOUND] Path does not exist: s3://b/k.", "[PATH_NOT_FOUND] Path does not exist: s3://b/k."),
    ],
)
def test_cause_of_a_spark_error_is_one_line(text: str, said: str) -> None:
    assert cause(text) == said


def test_error_without_a_message_is_its_name() -> None:
    assert error_message(MemoryError(), "x.py").endswith("; MemoryError")


def test_java_of_another_version_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "release").write_text('JAVA_VERSION="25.0.1"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    home = java.java_home.__wrapped__()

    assert home != tmp_path
    assert 'JAVA_VERSION="17' in (home / "release").read_text()


def test_kept_classes_are_used_if_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "classes.jsa"
    monkeypatch.setattr(spark_classes, "ARCHIVE", archive)
    assert "SharedArchiveFile" not in spark_classes.java_options()

    archive.touch()

    assert f'"-XX:SharedArchiveFile={archive}"' in spark_classes.java_options()


LISTEN = """
    import boto3, time
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    spark.range(3).repartition(2).count()
    print(spark.sparkContext.getConf().get("spark.authenticate"))
    boto3.client("s3").put_object(Bucket="{bucket}", Key="listening")
    boto3.client("s3").get_waiter("object_exists").wait(
        Bucket="{bucket}", Key="tried", WaiterConfig={{"Delay": 1, "MaxAttempts": 60}}
    )
"""


def test_who_does_not_know_the_secret_of_a_job_gets_nothing_at_its_ports(jobs: Jobs) -> None:
    """Spark's own ports, the port of its Python, and the one that is its S3: every program, and every page, can try."""
    name = jobs.create(LISTEN.format(bucket=jobs.bucket))
    run_id = jobs.start(name)
    jobs.s3.get_waiter("object_exists").wait(
        Bucket=jobs.bucket, Key="listening", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )

    (process,) = _processes_of(run_id)
    family = [process, *process.children(recursive=True)]
    listening = {
        connection.laddr
        for member in family
        for connection in member.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    answers = [
        _status(port, method, f"/webhdfs/v1{secret}/{jobs.bucket}/listening?op={operation}&direct=true")
        for _, port in listening
        for secret in ("", "/guessed")
        for method, operation in (("POST", "DELETE"), ("GET", "OPEN"), ("GET", "GETFILESTATUS"), ("POST", "CREATE"))
    ]
    jobs.s3.put_object(Bucket=jobs.bucket, Key="tried")
    run = jobs.wait(name, run_id)

    assert len(listening) >= 3
    assert {address.removeprefix("::ffff:") for address, _ in listening} == {"127.0.0.1"}
    assert set(answers) == {None, 403}
    assert jobs.s3.head_object(Bucket=jobs.bucket, Key="listening")["ContentLength"] == 0
    assert (run["JobRunState"], jobs.lines(run)) == ("SUCCEEDED", ["true"])


def _status(port: int, method: str, path: str) -> int | None:
    """The status of the answer; None where HTTP gets none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request(method, path, body=b"")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _processes_of(run_id: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if run_id in _command(process)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
