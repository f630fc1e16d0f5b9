"""Which instance types work may run on: none is paid for with an accelerator that nothing uses."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import botocore.session
import pytest

from machine_learning.instance_types import StudioInstanceType, TrainingInstanceType
from stacks.settings import Settings
from tests.synthesis import COMBINATIONS, ROOT, synthesize

ACCELERATED = {"dl", "f", "g", "inf", "p", "trn", "vt"}
"""The letters with which EC2 names families of accelerated computing.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

OTHERS = {"c", "geospatial", "m", "r", "system", "t"}
"""The letters of the other families that SageMaker offers, and what it offers under no family of EC2."""


def letters(instance_type: str) -> str:
    """What the name of a type begins with: ``p`` for ``ml.p6-b200.48xlarge``, ``system`` for ``system``."""
    found = re.match("[a-z]+", instance_type.removeprefix("ml."))
    assert found
    return found.group()


@pytest.mark.parametrize("shape", ["TrainingInstanceType", "ProcessingInstanceType", "AppInstanceType"])
def test_the_letters_tell_every_type_that_sagemaker_offers(shape: str) -> None:
    found: Any = botocore.session.get_session().get_service_model("sagemaker").shape_for(shape)
    offered = found.enum
    assert {letters(name) for name in offered} <= ACCELERATED | OTHERS
    assert {letters(name) for name in offered} & ACCELERATED


def test_nothing_in_training_names_a_device() -> None:
    """So that the next test is about what runs: XGBoost uses a GPU if `device` (or, before 2.0, `tree_method`) says so.

    Source: https://xgboost.readthedocs.io/en/stable/parameter.html
    """
    for path in (ROOT / "jobs" / "training").rglob("*.py"):
        words = {n.value for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Constant)}
        assert not words & {"device", "cuda", "gpu", "gpu_hist"}, path.name


def test_training_is_offered_no_accelerator() -> None:
    assert [name for name in TrainingInstanceType if letters(name) in ACCELERATED] == []


def test_no_pipeline_runs_on_an_accelerator() -> None:
    for combination in ("default", "tuned"):
        assert combination in COMBINATIONS
        pipeline = json.dumps(synthesize(combination)["Training"].one("AWS::SageMaker::Pipeline").properties)
        types = set(re.findall(r"ml\.[\w-]+\.\w+", pipeline))
        assert types
        assert not [name for name in types if letters(name) in ACCELERATED]


def test_notebooks_are_offered_one_and_get_none_by_default() -> None:
    """A notebook runs what its learner writes."""
    assert [name for name in StudioInstanceType if letters(name) in ACCELERATED] == ["ml.g4dn.xlarge"]
    assert not [name for name in Settings().studio_instance_types if letters(name) in ACCELERATED]
