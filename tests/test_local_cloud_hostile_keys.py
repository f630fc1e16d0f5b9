"""Keys that lead elsewhere, in every place of the local cloud that makes files of keys: nothing leaves its directory.

A job that is given such a key fails and names it, as SageMaker fails for the names it forbids; see practice/paths.py.
"""

from __future__ import annotations

import io
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.athena.engine import Engine
from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import free_port
from tests.glue_jobs import Jobs
from tests.local_lake import Lake
from tests.patience import PATIENCE
from tests.sagemaker_jobs import ENDED, IMAGE, ROLE, SageMakerJobs

UP = "../" * 20
INPUT = "/opt/ml/processing/in"
RESULT = "/opt/ml/processing/out"


@pytest.fixture(scope="module")
def jobs(local_cloud: LocalCloud) -> SageMakerJobs:
    return SageMakerJobs(local_cloud)


@pytest.fixture
def prefix() -> str:
    """A prefix of the test's own."""
    return f"data-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def canary(local_cloud: LocalCloud, tmp_path: Path) -> Iterator[Path]:
    """A file that no key can reach; and around the local cloud's own directory nothing may appear either."""

    def surroundings() -> list[Path]:
        return [*local_cloud.directory.iterdir(), *local_cloud.directory.parent.iterdir()]

    before = surroundings()
    yield tmp_path / "canary"
    assert list(tmp_path.iterdir()) == []
    assert surroundings() == before


HOSTILE: dict[str, Callable[[Path], str]] = {
    "parents": lambda canary: f"{UP}{str(canary)[1:]}",
    "nested parents": lambda canary: f"deep/{UP}{str(canary)[1:]}",
    "absolute": str,
    "a parent that stays inside": lambda _: "a/../b",
    "the directory itself": lambda _: "./b",
    "an empty part": lambda _: "a//b",
    "content under a folder's name": lambda _: "a/",
    "a name that is too long": lambda _: "x" * 256,
}
"""By kind: what comes after the prefix."""

ODD = ("a b", "größe/漢字", "a+b", "day=2024-01-01/x", "a%2Fb", ".hidden", "...", "..x", "a\\b", "[a]*?'\"", "x" * 255)


def start_processing(
    jobs: SageMakerJobs, command: str, prefix: str, *, source: str = INPUT, target: str = RESULT
) -> str:
    """A processing job whose input is what lies under the prefix, and its output ``<prefix>-out``."""
    name = f"job-{uuid.uuid4().hex[:8]}"
    given = {"S3Uri": jobs.uri(prefix + "/"), "LocalPath": source, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    output = {"S3Uri": jobs.uri(f"{prefix}-out"), "LocalPath": target, "S3UploadMode": "EndOfJob"}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
    jobs.sagemaker.create_processing_job(
        ProcessingJobName=name,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["bash", "-c", command]},
        ProcessingInputs=[{"InputName": "data", "S3Input": given}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "result", "S3Output": output}]},
        ProcessingResources={"ClusterConfig": cluster},
        RoleArn=ROLE,
    )
    return name


def process(jobs: SageMakerJobs, command: str, prefix: str) -> dict[str, Any]:
    """A processing job that has ended."""
    name, deadline = start_processing(jobs, command, prefix), time.monotonic() + PATIENCE
    while (job := jobs.sagemaker.describe_processing_job(ProcessingJobName=name))["ProcessingJobStatus"] not in ENDED:
        assert time.monotonic() < deadline, f"{name} is still {job['ProcessingJobStatus']}"
        time.sleep(0.05)
    return dict(job)


def processing_input(jobs: SageMakerJobs, prefix: str) -> dict[str, Any]:
    return process(jobs, "true", prefix)


def training_channel(jobs: SageMakerJobs, prefix: str) -> dict[str, Any]:
    return jobs.train("pass", InputDataConfig=[jobs.channel(prefix)])


def training_checkpoints(jobs: SageMakerJobs, prefix: str) -> dict[str, Any]:
    return jobs.train("pass", CheckpointConfig={"S3Uri": jobs.uri(prefix)})


PLACES = (processing_input, training_channel, training_checkpoints)
"""What makes files of the keys under a prefix."""

RunJob = Callable[[SageMakerJobs, str], dict[str, Any]]


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_job_with_a_hostile_key_fails_and_names_it(
    jobs: SageMakerJobs, prefix: str, canary: Path, place: RunJob, kind: str
) -> None:
    key = f"{prefix}/{HOSTILE[kind](canary)}"
    jobs.put(key, "escaped")

    reason = place(jobs, prefix)["FailureReason"]

    assert reason.startswith(f"ClientError: The key {key!r} cannot be a file in a directory: ")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_job_with_two_keys_that_are_one_file_fails_and_names_one(
    jobs: SageMakerJobs, prefix: str, canary: Path, place: RunJob
) -> None:
    jobs.put(f"{prefix}/a", "first")
    jobs.put(f"{prefix}/a/b", "second")

    assert f"The key '{prefix}/a/b' cannot be a file" in place(jobs, prefix)["FailureReason"]


def test_two_inputs_with_the_same_file_fail_the_job(jobs: SageMakerJobs, prefix: str) -> None:
    for part in ("one", "two"):
        jobs.put(f"{prefix}/{part}/part-0", part)
    channels = [jobs.channel("both", S3Uri=jobs.uri(f"{prefix}/{part}/")) for part in ("one", "two")]

    job = jobs.train("pass", InputDataConfig=channels)

    assert f"The key '{prefix}/two/part-0' cannot be a file" in job["FailureReason"]


def test_odd_keys_and_folders_of_the_console_pass_through_a_job_as_they_are(jobs: SageMakerJobs, prefix: str) -> None:
    for key in ODD:
        jobs.put(f"{prefix}/{key}", key)
    jobs.put(f"{prefix}/", "")
    jobs.put(f"{prefix}/größe/", "")

    job = process(jobs, f"cp -r {INPUT}/. {RESULT}", prefix)

    assert job["ProcessingJobStatus"] == "Completed", job
    assert sorted(jobs.keys(f"{prefix}-out/")) == sorted(ODD)
    assert jobs.get(jobs.uri(f"{prefix}-out/a%2Fb")) == b"a%2Fb"


@pytest.mark.parametrize("path", ["/opt/ml/../../canary", "/opt/mlx", "/opt/ml/a/../../../canary", "/canary"])
@pytest.mark.parametrize("member", ["source", "target"])
def test_a_processing_job_has_no_directory_outside_opt_ml(jobs: SageMakerJobs, member: str, path: str) -> None:
    with pytest.raises(ClientError, match=f"LocalPath '{path}'"):
        start_processing(jobs, "true", "data", **{member: path})


@pytest.mark.parametrize("path", ["/opt/ml/../../canary", "/opt/mlx", "/canary"])
def test_a_training_job_has_no_checkpoints_outside_opt_ml(jobs: SageMakerJobs, path: str) -> None:
    with pytest.raises(ClientError, match=f"LocalPath is '{path}'"):
        jobs.start("pass", CheckpointConfig={"S3Uri": jobs.uri("data"), "LocalPath": path})


@pytest.mark.parametrize("program", ["../evil.py", "/tmp/evil.py", "a/../../evil.py"])  # noqa: S108
def test_a_program_outside_the_archive_is_refused(jobs: SageMakerJobs, program: str) -> None:
    with pytest.raises(ClientError, match=f"sagemaker_program is '{program}'"):
        jobs.start("pass", {"sagemaker_program": program})


@pytest.mark.parametrize("name", [".", ".."])
def test_a_channel_whose_name_is_another_directory_is_refused(jobs: SageMakerJobs, name: str) -> None:
    with pytest.raises(ClientError, match=f"the name of channel '{name}'"):
        jobs.start("pass", InputDataConfig=[jobs.channel(name)])


def hostile_archive(member: tarfile.TarInfo) -> bytes:
    """The member, beside a script that could run."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as opened:
        opened.addfile(member, io.BytesIO(b"x" * member.size))
        opened.addfile(tarfile.TarInfo("train.py"))
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "link"),
    [(f"{UP}CANARY", ""), ("a/../../CANARY", ""), ("link", f"{UP}CANARY"), ("link", "/CANARY")],
)
def test_an_archive_that_would_leave_its_directory_fails_the_job_and_names_the_member(
    jobs: SageMakerJobs, prefix: str, canary: Path, name: str, link: str
) -> None:
    member = tarfile.TarInfo(name.replace("CANARY", str(canary)[1:]))
    if link:
        member.type, member.linkname = tarfile.SYMTYPE, link.replace("/CANARY", str(canary))
    else:
        member.size = 3
    jobs.put(f"{prefix}/sourcedir.tar.gz", hostile_archive(member))

    job = jobs.train("", {"sagemaker_submit_directory": jobs.uri(f"{prefix}/sourcedir.tar.gz")})

    assert job["FailureReason"].startswith("ClientError: ")
    assert repr(member.name) in job["FailureReason"]


def test_an_output_that_is_a_link_to_something_else_of_the_machine_fails_the_job(
    jobs: SageMakerJobs, prefix: str
) -> None:
    jobs.put(f"{prefix}/a", "a")

    job = process(jobs, f"ln -s /etc/hosts {RESULT}/stolen", prefix)

    assert job["FailureReason"].startswith("ClientError: 'stolen' is a link that leads out of the directory")
    assert jobs.keys(f"{prefix}-out") == []


def test_an_output_directory_that_was_made_a_link_fails_the_job(jobs: SageMakerJobs, prefix: str) -> None:
    jobs.put(f"{prefix}/a", "a")

    job = process(jobs, f"rmdir {RESULT} && ln -s /etc/apt {RESULT}", prefix)

    assert "is a link that leads out of the directory" in job["FailureReason"]
    assert jobs.keys(f"{prefix}-out") == []


def test_an_output_that_is_a_link_within_its_directory_is_the_file_it_leads_to(
    jobs: SageMakerJobs, prefix: str
) -> None:
    jobs.put(f"{prefix}/a", "a")

    process(jobs, f"echo new > {RESULT}/step-2; ln -s step-2 {RESULT}/latest", prefix)

    assert jobs.get(jobs.uri(f"{prefix}-out/latest")) == b"new\n"


def test_a_model_that_is_a_link_is_packed_as_the_file_it_leads_to(jobs: SageMakerJobs) -> None:
    script = """
        import os, pathlib
        model = pathlib.Path(os.environ["SM_MODEL_DIR"])
        (model / "step-2").write_text("new")
        (model / "latest").symlink_to(model / "step-2")
    """
    job = jobs.train(script)

    with tarfile.open(fileobj=io.BytesIO(jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"]))) as packed:
        assert sorted((member.name, member.isfile()) for member in packed) == [("latest", True), ("step-2", True)]


@pytest.fixture(scope="module")
def glue(local_cloud: LocalCloud) -> Jobs:
    return Jobs(local_cloud)


@pytest.mark.parametrize("key", ["scripts/..", "scripts/", "scripts/."])
def test_a_script_whose_key_ends_in_no_file_name_is_refused(glue: Jobs, canary: Path, key: str) -> None:
    glue.s3.put_object(Bucket=glue.bucket, Key=key, Body=b"pass")
    name = f"job-{uuid.uuid4().hex[:8]}"
    glue.glue.create_job(
        Name=name, Role=ROLE, Command={"Name": "glueetl", "ScriptLocation": f"s3://{glue.bucket}/{key}"}
    )

    assert f"The key '{key}' cannot be a file" in glue.run(name)["ErrorMessage"]


def test_a_script_may_have_the_name_of_a_file_of_the_job(glue: Jobs, prefix: str) -> None:
    """``stdout`` is where the job's output goes, beside which the script lies."""
    key, name = f"{prefix}/stdout", f"job-{uuid.uuid4().hex[:8]}"
    glue.s3.put_object(Bucket=glue.bucket, Key=key, Body=b"print('ran')")
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{glue.bucket}/{key}"}
    glue.glue.create_job(Name=name, Role=ROLE, Command=command)

    assert glue.lines(glue.run(name)) == ["ran"]


def test_two_python_files_of_the_same_name_are_refused(glue: Jobs, prefix: str) -> None:
    uris = [f"s3://{glue.bucket}/{prefix}/{part}/lib.zip" for part in ("one", "two")]
    for uri in uris:
        glue.s3.put_object(Bucket=glue.bucket, Key=uri.split("/", 3)[3], Body=b"")

    run = glue.run(glue.create("pass", DefaultArguments={"--extra-py-files": ",".join(uris)}))

    assert f"The key '{prefix}/two/lib.zip' cannot be a file in a directory: another object" in run["ErrorMessage"]


@pytest.fixture(scope="module")
def lake(local_cloud: LocalCloud) -> Lake:
    return Lake(local_cloud)


def test_athena_reads_each_object_once_whatever_its_key(lake: Lake, prefix: str, canary: Path) -> None:
    """It reads copies that are named by digests, so that no key is a path, and none a pattern of others.

    What has a part that begins with a dot is hidden from it, as from Trino.
    """
    hidden = [".hidden", "...", "..x", f"{UP}{str(canary)[1:]}", "a/../b"]
    names = [*(key for key in ODD if key not in hidden), str(canary), "a//b", "*", "**/*.parquet"]
    lake.create_table("odd", {"id": "string"}, prefix=f"{prefix}/")
    for name in (*names, *hidden):
        lake.put_parquet(f"{prefix}/{name}", {"id": "string"}, [[name]])

    assert sorted(row[0] or "" for row in lake.rows("SELECT id FROM odd")) == sorted(names)
    found = lake.rows("""SELECT "$path" FROM odd WHERE "$path" LIKE '%*?%'""")
    assert found == [[f"s3://{lake.bucket}/{prefix}/[a]*?'\""]]


def test_athena_writes_partitions_of_any_value(lake: Lake, prefix: str, canary: Path) -> None:
    values = [f"{UP}{str(canary)[1:]}", str(canary), "..", "a'b", 'a"b', "*"]
    rows = ", ".join("({}, '{}')".format(i, value.replace("'", "''")) for i, value in enumerate(values))
    place = f"s3://{lake.bucket}/{prefix}/"
    query = f"""CREATE TABLE written
        WITH (format = 'PARQUET', external_location = '{place}', partitioned_by = ARRAY['v'])
        AS SELECT * FROM (VALUES {rows}) AS t(id, v)"""  # noqa: S608

    lake.create_work_group(prefix, EnforceWorkGroupConfiguration=False)
    assert lake.query(query, WorkGroup=prefix).reason == ""
    assert [row[0] for row in lake.rows("SELECT v FROM written ORDER BY id")] == values


@pytest.mark.parametrize("name", ['a"b', """a" FROM read_text('/etc/hosts'); COPY (SELECT 1) TO 'CANARY'; --"""])
def test_the_name_of_a_column_is_no_sql(lake: Lake, prefix: str, canary: Path, name: str) -> None:
    name = name.replace("CANARY", str(canary)).lower()
    table = f"t_{uuid.uuid4().hex[:8]}"
    lake.create_table(table, {name: "string"}, prefix=f"{prefix}/")

    inserted = lake.query(f"INSERT INTO {table} SELECT 'x'")

    assert inserted.reason == ""
    assert lake.rows(f"SELECT * FROM {table}") == [["x"]]  # noqa: S608


@pytest.mark.parametrize(
    "evil", ["COPY (SELECT 1) TO 'CANARY'", "SELECT i FROM read_text('/etc/hosts'), (SELECT 0 AS i)"]
)
def test_the_expression_that_selects_partitions_reaches_no_file(
    lake: Lake, prefix: str, canary: Path, evil: str
) -> None:
    table = f"t_{uuid.uuid4().hex[:8]}"
    lake.create_table(table, {"id": "string"}, prefix=f"{prefix}/", keys={"day": "string"})
    storage = {"Location": f"s3://{lake.bucket}/{prefix}/day=1/"}
    lake.glue.create_partition(
        DatabaseName=lake.database, TableName=table, PartitionInput={"Values": ["1"], "StorageDescriptor": storage}
    )
    evil = evil.replace("CANARY", str(canary))

    with pytest.raises(ClientError, match="file system operations are disabled"):
        lake.glue.get_partitions(DatabaseName=lake.database, TableName=table, Expression=f"true; {evil}")


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM read_text('/etc/hosts')", "ATTACH '/canary'", "COPY (SELECT 1) TO '/c'"]
)
def test_the_engine_of_athena_reaches_no_file_of_the_user(sql: str) -> None:
    """The statements that could are refused before; this holds for what slips through."""
    with pytest.raises(duckdb.PermissionException, match="file system operations are disabled"):
        Engine().connection.execute(sql)


def test_the_directory_of_the_project_may_have_any_name(tmp_path: Path) -> None:
    """It is part of every path that DuckDB is given, and may look like a pattern, or like the end of a text in SQL."""
    cloud = LocalCloud.start(tmp_path / "o'brien [1] *", free_port())
    try:
        lake = Lake(cloud)
        place = f"s3://{lake.bucket}/written/"
        query = f"CREATE TABLE written WITH (format = 'PARQUET', external_location = '{place}') AS SELECT 'x' AS a"

        lake.create_work_group("free", EnforceWorkGroupConfiguration=False)
        assert lake.query(query, WorkGroup="free").reason == ""
        assert lake.rows("SELECT a FROM written") == [["x"]]
    finally:
        cloud.stop()
