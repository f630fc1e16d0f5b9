"""A registered model, served as its container serves it: what a training job leaves, with what the registry says."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jobs.training import dataset, evaluate, inference, model, transformations
from machine_learning.training_code import archive
from practice.local_cloud.lifecycle import LocalCloud
from tests import training_data
from tests.sagemaker_jobs import SageMakerJobs
from tests.test_training_pipeline import STEPS
from tests.training_jobs import ROOT, channels

CSV, JSON = "text/csv", "application/json"
REQUIRED = ["frequency", "recency", "monetary_value", "orders_30d", "favourite_channel", "currency"]


@dataclass(frozen=True)
class Answer:
    status: int
    type: str
    body: str

    @property
    def numbers(self) -> list[float]:
        assert self.status == 200, self.body
        if self.type == JSON:
            return [prediction["score"] for prediction in json.loads(self.body)["predictions"]]
        return [float(line) for line in self.body.splitlines()]


class Endpoint:
    """A container that has unpacked an archive to ``/opt/ml/model``."""

    def __init__(
        self, unpacked: Path, root: Path, environment: Mapping[str, str], python: str = sys.executable
    ) -> None:
        self.root = root
        (root / "model").symlink_to(unpacked)
        here = {name: value.replace("/opt/ml", str(root)) for name, value in environment.items()}
        self._process = subprocess.Popen(  # noqa: S603 - our own emulation
            [python, "-I", str(ROOT / "tests" / "serving_stack.py"), str(root)],
            cwd=root,
            env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", **here},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def invoke(self, body: str | bytes, content_type: str = CSV, accept: str = "") -> Answer:
        content = body if isinstance(body, bytes) else body.encode()
        request = {"body": content.hex(), "content_type": content_type, "accept": accept}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        return Answer(**json.loads(line or self.close()))

    def close(self) -> str:
        """What it said on its error output."""
        return self._process.communicate()[1]


def container() -> Mapping[str, Any]:
    """The container of the model package, as the pipeline's step registers it."""
    condition = STEPS.definition()["Steps"][-1]
    (register,) = [step for step in condition["Arguments"]["IfSteps"] if step["Type"] == "RegisterModel"]
    (found,) = register["Arguments"]["InferenceSpecification"]["Containers"]
    return dict(found)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return channels(training_data.customers(count=400), tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def unpacked(data: Path, local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that a training job leaves in S3, whole."""
    jobs = SageMakerJobs(local_cloud)
    for name in ("train", "validation"):
        jobs.put(f"{name}/part-0.parquet", (data / name / "part-0.parquet").read_bytes())
    both = [jobs.channel("train"), jobs.channel("validation")]
    told = {"num_round": 60, "checkpoint_path": "/opt/ml/checkpoints"}
    definition = jobs.definition("", told, InputDataConfig=both)
    code = definition["HyperParameters"]["sagemaker_submit_directory"].strip('"').removeprefix(jobs.uri())
    jobs.put(code, gzip.compress(archive()))
    jobs.sagemaker.create_training_job(TrainingJobName="serving", **definition)
    job = jobs.wait("serving")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    directory = tmp_path_factory.mktemp("archive")
    with tarfile.open(fileobj=io.BytesIO(jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"]))) as packed:
        packed.extractall(directory, filter="data")
    return directory


@pytest.fixture(scope="module")
def endpoint(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    opened = Endpoint(unpacked, tmp_path_factory.mktemp("ml"), container()["Environment"])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def test_rows(data: Path) -> pd.DataFrame:
    return dataset.read(data / "test")


@pytest.fixture(scope="module")
def evaluated(unpacked: Path, test_rows: pd.DataFrame) -> list[float]:
    """What the evaluation judges: the model's numbers of the test set."""
    return [float(value) for value in evaluate.read_model(unpacked).predict(test_rows)]


@pytest.fixture
def rows(test_rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Three customers as JSON has them."""
    return _objects(test_rows.head(3))


def _objects(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The features of each row, a missing one as null."""
    records = rows[list(dataset.FEATURES)].to_dict("records")
    return [{name: None if value != value else value for name, value in record.items()} for record in records]


def _csv(rows: list[dict[str, Any]], columns: list[str] | None = None, *, header: bool = True, end: str = "\n") -> str:
    target = io.StringIO()
    writer = csv.DictWriter(target, columns or list(rows[0]), lineterminator=end, extrasaction="ignore")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()


@pytest.mark.slow
class TestTheTestSet:
    def test_scores_as_csv_exactly_as_in_the_evaluation(
        self, endpoint: Endpoint, test_rows: pd.DataFrame, evaluated: list[float]
    ) -> None:
        assert endpoint.invoke(test_rows.to_csv(index=False)).numbers == evaluated
        assert np.std(evaluated) > 0.05

    def test_scores_as_json_exactly_as_in_the_evaluation(
        self, endpoint: Endpoint, test_rows: pd.DataFrame, evaluated: list[float]
    ) -> None:
        assert endpoint.invoke(json.dumps(_objects(test_rows)), JSON, JSON).numbers == evaluated

    def test_scores_the_same_in_mini_batches_that_begin_without_a_header(
        self, endpoint: Endpoint, test_rows: pd.DataFrame, evaluated: list[float]
    ) -> None:
        lines = test_rows[list(dataset.FEATURES)].to_csv(index=False).splitlines(keepends=True)
        batches = ["".join(lines[:50]), "".join(lines[50:51]), "".join(lines[51:])]
        assert batches[2].count("\n") > 100
        answers = "".join(endpoint.invoke(batch).body for batch in batches)
        assert [float(line) for line in answers.splitlines()] == evaluated


@pytest.mark.slow
class TestTheArchive:
    def test_has_the_booster_alone_where_the_default_loader_looks(self, unpacked: Path, tmp_path: Path) -> None:
        assert [file.name for file in unpacked.iterdir() if file.is_file()] == ["xgboost-model"]
        assert "Traceback" not in Endpoint(unpacked, tmp_path, {}).close()

    def test_holds_nothing_that_runs_when_it_is_loaded(self, unpacked: Path) -> None:
        kinds = {file.relative_to(unpacked).as_posix() for file in unpacked.rglob("*") if file.is_file()}
        assert kinds == {"xgboost-model", "code/inference.py", "fitted/model.json", "fitted/transformations.json"}

    def test_is_evaluated_through_the_numbers_that_it_is_served_with(self, unpacked: Path) -> None:
        served = inference.model_fn(str(unpacked))
        assert served.transformations == model.load(unpacked).transformations


@pytest.mark.slow
class TestAnAnswer:
    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            ("", CSV),
            ("*/*", CSV),
            ("text/csv", CSV),
            ("Text/CSV; charset=utf-8", CSV),
            ("application/json", JSON),
            ("application/json;q=0.9, text/csv;q=0.5", JSON),
            ("image/png, application/json", JSON),
        ],
    )
    def test_has_the_type_that_is_accepted(
        self, endpoint: Endpoint, rows: list[dict[str, Any]], accept: str, kind: str
    ) -> None:
        answer = endpoint.invoke(_csv(rows), CSV, accept)
        assert (answer.type, len(answer.numbers)) == (kind, 3)

    def test_is_a_line_for_each_row_with_its_end(self, endpoint: Endpoint, rows: list[dict[str, Any]]) -> None:
        assert endpoint.invoke(_csv(rows)).body.count("\n") == 3
        assert endpoint.invoke(_csv(rows)).body.endswith("\n")

    def test_that_nobody_offers_is_refused(self, endpoint: Endpoint, rows: list[dict[str, Any]]) -> None:
        answer = endpoint.invoke(_csv(rows), CSV, "image/png")
        assert (answer.status, answer.body) == (
            406,
            "the answer is to be 'image/png'; allowed: text/csv and application/json. Correct the Accept header.\n",
        )


@pytest.mark.slow
class TestARequest:
    @pytest.fixture
    def expected(self, evaluated: list[float]) -> list[float]:
        return evaluated[:3]

    def test_of_one_object_is_one_row(
        self, endpoint: Endpoint, rows: list[dict[str, Any]], expected: list[float]
    ) -> None:
        assert endpoint.invoke(json.dumps(rows[0]), JSON).numbers == expected[:1]

    def test_may_have_its_columns_in_any_order_and_case(
        self, endpoint: Endpoint, rows: list[dict[str, Any]], expected: list[float]
    ) -> None:
        turned = [{name.upper(): row[name] for name in reversed(row)} for row in rows]
        assert endpoint.invoke(_csv(turned)).numbers == expected
        assert endpoint.invoke(json.dumps(turned), JSON).numbers == expected

    def test_may_have_the_data_sets_keys_and_label(
        self, endpoint: Endpoint, rows: list[dict[str, Any]], expected: list[float]
    ) -> None:
        whole = [{"customer_id": "C-1", **row, "no_purchase_90d": 1, "cutoff_date": "2025-10-01"} for row in rows]
        assert endpoint.invoke(_csv(whole)).numbers == expected
        assert endpoint.invoke(json.dumps(whole), JSON).numbers == expected

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("last", ["", "\n", "\n\n"])
    def test_may_end_its_lines_in_any_way(
        self, endpoint: Endpoint, rows: list[dict[str, Any]], expected: list[float], end: str, last: str
    ) -> None:
        body = _csv(rows, end=end).removesuffix(end) + last
        assert endpoint.invoke(body).numbers == expected

    def test_may_begin_with_a_byte_order_mark(
        self, endpoint: Endpoint, rows: list[dict[str, Any]], expected: list[float]
    ) -> None:
        for kind in (CSV, f"{CSV}; charset=utf-8"):
            assert endpoint.invoke(_csv(rows).encode("utf-8-sig"), kind).numbers == expected

    def test_may_lack_what_the_contract_does_not_require(self, endpoint: Endpoint, rows: list[dict[str, Any]]) -> None:
        row = rows[0] | {"spend_30d_lag_3": None, "return_rate": None, "tenure_bucket": None}
        without = {name: value for name, value in row.items() if value is not None}
        (empty,) = endpoint.invoke(_csv([row])).numbers
        assert endpoint.invoke(json.dumps(row), JSON).numbers == [empty]
        assert endpoint.invoke(json.dumps(without), JSON).numbers == [empty]

    def test_with_a_currency_that_training_has_not_seen_counts_as_a_rare_one(
        self, endpoint: Endpoint, rows: list[dict[str, Any]]
    ) -> None:
        answers = [endpoint.invoke(_csv([rows[0] | {"currency": currency}])).numbers for currency in ("XTS", "XXX")]
        assert answers[0] == answers[1]


HEADER = ",".join(dataset.FEATURES)


def spoilt(**values: Any) -> Any:
    return lambda rows: json.dumps([rows[0], rows[1] | values])


@pytest.mark.slow
class TestRefused:
    """Each with the column, the value, and what is allowed: the caller reads it, not only the log."""

    @pytest.mark.parametrize(
        ("spoil", "told"),
        [
            (lambda _: "", "the body is empty; expected one row at least."),
            (lambda _: " \n\r\n", "the body is empty"),
            (lambda _: HEADER, "there is a header and no row; expected one row at least."),
            (
                lambda rows: _csv([{k: v for k, v in row.items() if k != "currency"} for row in rows]),
                "the header lacks currency; needed: frequency, recency, T,",
            ),
            (
                lambda rows: _csv([{**row, "colour": "red"} for row in rows]),
                "the header has colour; allowed: freq",
            ),
            (lambda rows: _csv(rows).replace("recency", "frequency", 1), "the header has frequency more than once"),
            (lambda rows: _csv(rows).replace("frequency,", "T,", 1), "the header has T more than once"),
            (lambda rows: _csv(rows) + "1,2,3\n", "row 4 has 3 values; expected 21: frequency,"),
            (lambda rows: _csv(rows).replace("\n", "\n\n", 2), "row 1 has 0 values; expected 21"),
            (lambda rows: _csv(rows, header=False).replace(",", ";"), "row 1 has 1 values; expected 21: frequency,"),
            (lambda rows: _csv(rows, header=False).split(",", 1)[1], "row 1 has 20 values; expected 21"),
            (lambda rows: _csv(rows) + '"open', "the body is not CSV: unexpected end of data."),
            (
                lambda rows: _csv([rows[0], rows[1] | {"frequency": "nan"}]),
                'frequency in row 2 is "nan"; allowed: a whole number of at least 0 up to 100000.',
            ),
            (lambda rows: _csv([rows[0] | {"recency": ""}]), "recency in row 1 is missing; allowed: a whole number"),
            (lambda rows: _csv([rows[0] | {"spend_7d": "1_0"}]), 'spend_7d in row 1 is "1_0"; allowed: a number'),
            (lambda rows: _csv([rows[0] | {"spend_7d": "1e999"}]), "spend_7d in row 1 is Infinity; allowed: a number"),
            (lambda rows: _csv([rows[0] | {"orders_7d": 2.5}]), "orders_7d in row 1 is 2.5; allowed: a whole number"),
            (lambda rows: _csv([rows[0] | {"return_rate": 1.5}]), "return_rate in row 1 is 1.5; allowed: a number of"),
            (
                lambda rows: _csv([rows[0] | {"return_rate": "n/a"}]),
                'return_rate in row 1 is "n/a"; allowed: a number of at least 0 up to 1, or nothing where',
            ),
            (
                lambda rows: _csv([rows[0] | {"favourite_channel": "fax"}]),
                'favourite_channel in row 1 is "fax"; allowed: app, store, web.',
            ),
            (
                lambda rows: _csv([rows[0] | {"currency": "eur"}]),
                'currency in row 1 is "eur"; allowed: text',
            ),
        ],
    )
    def test_csv(self, endpoint: Endpoint, rows: list[dict[str, Any]], spoil: Any, told: str) -> None:
        answer = endpoint.invoke(spoil(rows))
        assert (answer.status, answer.body[: len(told)]) == (400, told)

    @pytest.mark.parametrize(
        ("spoil", "told"),
        [
            (lambda _: "[]", "the list is empty; expected one row at least."),
            (lambda _: "{", "the body is not JSON that can be read: Expecting property name"),
            (lambda _: "[" * 100_000, "the body is not JSON that can be read: "),
            (lambda _: "7", "row 1 is 7; expected an object with a value for each of frequency,"),
            (lambda rows: json.dumps([rows[0], [1, 2]]), "row 2 is [1, 2]; expected an object"),
            (lambda rows: json.dumps({"instances": rows}), "row 1 has instances; allowed: frequency,"),
            (lambda _: '{"T": 1, "T": 2}', "an object has T more than once; allowed: once."),
            (lambda _: '{"T": 1, "t": 2}', "row 1 has T more than once; allowed: once."),
            (spoilt(colour="red"), "row 2 has colour; allowed: frequency,"),
            (spoilt(frequency=None), "frequency in row 2 is missing; allowed: a whole number"),
            (spoilt(frequency="3"), 'frequency in row 2 is "3"; allowed: a whole number'),
            (spoilt(frequency=True), "frequency in row 2 is true; allowed: a whole number"),
            (spoilt(frequency=float("nan")), "frequency in row 2 is NaN; allowed: a whole number"),
            (spoilt(frequency=-1), "frequency in row 2 is -1; allowed: a whole number of at least 0"),
            (spoilt(spend_7d=float("inf")), "spend_7d in row 2 is Infinity; allowed: a number"),
            (spoilt(spend_7d=10**400), "spend_7d in row 2 is 1000"),
            (spoilt(spend_7d=[1]), "spend_7d in row 2 is [1]; allowed: a number of at least 0."),
            (spoilt(currency=5), "currency in row 2 is 5; allowed: text that matches ^[A-Z]{3}$."),
            (spoilt(currency="EUR\n"), 'currency in row 2 is "EUR\\n"; allowed: text'),
            (spoilt(currency="\ud800"), 'currency in row 2 is "\\ud800"; allowed: text'),
            (spoilt(tenure_bucket="old"), 'tenure_bucket in row 2 is "old"; allowed: under_30d, 30_to_89d,'),
            (
                lambda rows: json.dumps({k: v for k, v in rows[0].items() if k != "T"}),
                "T in row 1 is not there",
            ),
        ],
    )
    def test_json(self, endpoint: Endpoint, rows: list[dict[str, Any]], spoil: Any, told: str) -> None:
        answer = endpoint.invoke(spoil(rows), JSON)
        assert (answer.status, answer.body[: len(told)]) == (400, told)

    def test_other_content_types(self, endpoint: Endpoint) -> None:
        answer = endpoint.invoke("1:2", "text/libsvm")
        assert (answer.status, answer.body) == (
            415,
            "the content type is 'text/libsvm'; allowed: text/csv and application/json.\n",
        )

    def test_other_encodings(self, endpoint: Endpoint, rows: list[dict[str, Any]]) -> None:
        answer = endpoint.invoke(_csv(rows).encode("utf-16"), f"{CSV}; charset=utf-16")
        assert (answer.status, answer.body[:24]) == (400, "the body is not UTF-8: '")


def test_the_package_names_the_script_and_the_types_that_it_takes() -> None:
    """The variables: https://github.com/aws/sagemaker-containers, ``_params.py``."""
    assert container()["Environment"] == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": CSV,
    }
    condition = STEPS.definition()["Steps"][-1]
    specification = condition["Arguments"]["IfSteps"][0]["Arguments"]["InferenceSpecification"]
    assert specification["SupportedContentTypes"] == specification["SupportedResponseMIMETypes"] == [CSV, JSON]


def test_the_numbers_do_what_scikit_learn_has_fitted() -> None:
    train = training_data.customers(count=200)
    train.loc[::7, ["return_rate", "weekend_share"]] = np.nan
    train["currency"] = np.where(np.arange(len(train)) % 300 == 0, "XTS", train["currency"])
    fitted = transformations.build().fit(train)
    numbers = transformations.as_numbers(fitted)
    asked = training_data.customers(count=100, seed=5)
    asked["spend_90d"] = np.where(np.arange(len(asked)) % 5 == 0, np.nan, asked["spend_90d"])
    asked.loc[::11, "tenure_bucket"] = None
    asked.loc[::13, "currency"] = "ZZZ"
    assert numbers.get_feature_names_out() == list(fitted.get_feature_names_out())
    assert "currency_infrequent_sklearn" in numbers.get_feature_names_out()
    np.testing.assert_allclose(numbers.transform(asked), fitted.transform(asked), atol=1e-12)
