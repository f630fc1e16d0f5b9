"""What SageMaker's XGBoost container does with a model's archive and its environment, step by step, without the image.

A program of its own, since it imports the archive's script as the container does, with nothing of the project around:
``python -I serving_stack.py ROOT``, where ROOT stands for ``/opt/ml`` and holds ``model/``. It reads requests as lines
of JSON and writes answers so. The order is that of versions 3.0-5 and 3.2-0:

- ``serving.py`` of https://github.com/aws/sagemaker-xgboost-container: ``serving_entrypoint``, then ``main``, in a
  worker that gunicorn starts; ``algorithm_mode/serve_utils.py``, ``get_loaded_booster``, without a user's script;
- https://github.com/aws/sagemaker-containers (2.8.6.post2): ``_server.start``, ``_modules.import_module``,
  ``_files.download_and_extract``, ``_transformer.Transformer``, ``_worker.Request``.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xgboost

UTF8_TYPES = ("application/json", "text/csv")


class ClientError(Exception):
    """What the toolkit makes of every error of a user's function; Flask answers it with status 500."""


def installed(root: Path) -> str:
    """Copy the submitted directory to ``/opt/ml/code``, unless something is there, and install its modules."""
    code, submitted = root / "code", Path(os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", root / "code"))
    code.mkdir(exist_ok=True)
    if not list(code.iterdir()) and submitted != code:
        shutil.rmtree(code)
        shutil.copytree(submitted, code)
    # pip installs it with a setup.py that names the package "", that is, the modules at the top
    (site := root / "site-packages").mkdir()
    for module in code.glob("*.py"):
        shutil.copyfile(module, site / module.name)
    sys.path.insert(0, str(site))
    return os.environ["SAGEMAKER_PROGRAM"].removesuffix(".py")


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            raise ClientError(error) from error

    return call


def algorithm_mode(model: Path) -> None:
    for file in model.iterdir():
        if file.is_file() and not file.name.startswith("."):
            xgboost.Booster(model_file=str(file))


def transformer(root: Path) -> Callable[[Any, str, str], Any]:
    """The worker's function of a request: from the first request on, which loads the model."""
    name = installed(root)
    importlib.reload(importlib.import_module(name))
    sys.path.insert(0, str(root / "code"))
    user = importlib.import_module(name)
    own = {part: getattr(user, f"{part}_fn", None) for part in ("transform", "input", "predict", "output")}
    if own["transform"] and (own["input"] or own["predict"] or own["output"]):
        raise RuntimeError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
    if not own["transform"]:
        raise NotImplementedError("this script answers with transform_fn")
    model = wrapped(user.model_fn)(str(root / "model"))
    transform = wrapped(own["transform"])
    return lambda content, content_type, accept: transform(model, content, content_type, accept)


def answer(transform: Callable[[Any, str, str], Any], request: dict[str, Any]) -> dict[str, Any]:
    content_type = request["content_type"] or "application/json"
    content: Any = bytes.fromhex(request["body"])
    if content_type in UTF8_TYPES:
        content = content.decode("utf-8", "replace")
    accept = request["accept"]
    if not accept or accept == "*/*":
        accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")
    try:
        result = transform(content, content_type, accept)
    except ClientError:
        traceback.print_exc()
        return {"status": 500, "type": "text/html", "body": "Internal Server Error"}
    if isinstance(result, tuple):
        return {"status": 200, "type": result[1], "body": result[0]}
    return {"status": result.status_code, "type": result.mimetype, "body": result.get_data(as_text=True)}


def main(root: Path) -> None:
    if not os.environ.get("SAGEMAKER_PROGRAM"):
        algorithm_mode(root / "model")
        return
    transform = transformer(root)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(transform, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
