"""The steps of the training pipeline, as SageMaker Pipelines reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.training.defaults import CHOSEN, REGULARIZATION
from jobs.training.tuning import OWN_CHECKPOINTS, RANGES, tuning_config
from machine_learning.input_mode import InputMode
from machine_learning.training_storage import (
    ARTIFACTS_PREFIX,
    CHECKPOINTS_PREFIX,
    DATASETS_PREFIX,
    EVALUATIONS_PREFIX,
)
from machine_learning.tuning import Tuning

Json = dict[str, Any]

SPLITS = ("train", "validation", "test")
METRICS: Mapping[str, str] = {
    f"{split}:{metric}": rf"{split}-{metric}:([0-9.]+)"
    for split in ("train", "validation")
    for metric in ("auc", "logloss")
}
"""What SageMaker reads from each line that the script logs: the metrics of experiments, and the objective of tuning.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""
MOST_PROCESSING_SECONDS = 1800

_COMPARISON = {"Get": "Steps.Evaluate.PropertyFiles.Comparison"}
_CODE = "/opt/ml/processing/input/code"
_CHECKPOINTS = "/opt/ml/checkpoints"
_PARAMETERS: Mapping[str, str] = {"num_round": "NumRound", "max_depth": "MaxDepth", "eta": "Eta"}
"""By hyperparameter: the pipeline's parameter, with which a run chooses it."""
_REGULARIZATION = {name: str(value) for name, value in REGULARIZATION.items()}
_SERVING = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
}
"""With it the container serves the script in the model's archive, ``jobs/training/inference.py``.

Without it, it would take the booster alone, for columns that are transformed already.

Source: https://github.com/aws/sagemaker-containers, ``_params.py`` and ``_env.py``
"""
_UNPACK_AND_RUN = f'set -e; mkdir -p {_CODE}/unpacked; cd {_CODE}/unpacked; tar -xzf ../*.gz; exec python3 "$@"'


def run_only(name: str) -> Json:
    """What tells this run from all others: the part of a name that SageMaker fills in when it runs."""
    return {"Get": f"Execution.{name}"}


@dataclass(frozen=True, kw_only=True)
class TrainingSteps:
    """From the offline feature store to a registered model: data set, training, evaluation, condition, registration.

    The condition is on the lower bound of the AUC on customers of the newest cutoff, so that a lucky model of no use
    is not registered. Whether it is worth more than its baselines, a person sees in the report, who then approves it.

    Every job is bounded in time and instances, encrypted, and tagged; training is on managed spot, and may wait for
    capacity as long again as it may run. Where a run leaves what it makes carries the run's id, so that runs never
    share data, checkpoints or reports. The values of the steps that follow come from those before: that is their order.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html
    """

    sandbox_name: str
    image: str
    code_url: str
    bucket_url: str
    key_arn: str
    processing_role_arn: str
    training_role_arn: str
    workgroup: str
    features_table: str
    labels_table: str
    model_package_group: str
    processing_instance_type: str
    training_instance_type: str
    training_instances: int
    max_runtime_seconds: int
    input_mode: InputMode
    tuning: Tuning

    def definition(self) -> Json:
        """The whole pipeline. Its parameters are what a run may choose: the rest is decided when it is deployed."""
        return {
            "Version": "2020-12-01",
            "Parameters": [
                *(
                    {"Name": parameter, "Type": "String", "DefaultValue": str(CHOSEN[name])}
                    for name, parameter in _PARAMETERS.items()
                ),
                {"Name": "MinimumAuc", "Type": "Float", "DefaultValue": 0.6},
            ],
            "PipelineExperimentConfig": {
                "ExperimentName": {"Get": "Execution.PipelineName"},
                "TrialName": run_only("PipelineExecutionId"),
            },
            "Steps": [
                self._dataset(),
                self._train() if self.tuning == Tuning.OFF else self._tune(),
                self._evaluate(),
                self._good_enough(),
            ],
        }

    def _dataset(self) -> Json:
        directories = {split: f"/opt/ml/processing/output/{split}" for split in SPLITS}
        arguments = [
            *("prepare.py", "--workgroup", self.workgroup),
            *("--features-table", self.features_table, "--labels-table", self.labels_table),
            *("--unload-to", self._place(DATASETS_PREFIX, "unloaded")),
            *(word for split in SPLITS for word in (f"--{split}", directories[split])),
        ]
        return {
            "Name": "Dataset",
            "Type": "Processing",
            "Arguments": self._processing(
                arguments,
                inputs={},
                outputs={split: (directories[split], self._place(DATASETS_PREFIX, split)) for split in SPLITS},
            ),
        }

    def _train(self) -> Json:
        given = {name: {"Get": f"Parameters.{parameter}"} for name, parameter in _PARAMETERS.items()}
        return {
            "Name": "Train",
            "Type": "Training",
            "Arguments": {
                **self._training(),
                "HyperParameters": {**self._script(), **_REGULARIZATION, **given, "checkpoint_path": _CHECKPOINTS},
                "Tags": self._tags(),
            },
            "RetryPolicies": [_WHEN_OUT_OF_CAPACITY],
        }

    def _tune(self) -> Json:
        fixed = {} if self.tuning == Tuning.HYPERBAND else {"num_round": {"Get": "Parameters.NumRound"}}
        own_folder = {"checkpoint_path": OWN_CHECKPOINTS}
        return {
            "Name": "Tune",
            "Type": "Tuning",
            "Arguments": {
                "HyperParameterTuningJobConfig": tuning_config(
                    self.tuning, max_runtime_seconds=2 * self.max_runtime_seconds
                ),
                "TrainingJobDefinition": {
                    **self._training(),
                    "StaticHyperParameters": {
                        **self._script(),
                        **{name: value for name, value in _REGULARIZATION.items() if name not in RANGES},
                        **fixed,
                        **own_folder,
                    },
                },
                "Tags": self._tags(),
            },
            "RetryPolicies": [_WHEN_OUT_OF_CAPACITY],
        }

    def _training(self) -> Json:
        return {
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": self.input_mode.value,
                "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in METRICS.items()],
            },
            "RoleArn": self.training_role_arn,
            "InputDataConfig": [
                {
                    "ChannelName": split,
                    "ContentType": "application/x-parquet",
                    "InputMode": self.input_mode.value,
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            # of several instances each reads all of it and takes its share of the rows
                            "S3DataDistributionType": "FullyReplicated",
                            "S3Uri": _output("Dataset", split),
                        }
                    },
                }
                for split in ("train", "validation")
            ],
            "OutputDataConfig": {"S3OutputPath": f"{self.bucket_url}/{ARTIFACTS_PREFIX}", "KmsKeyId": self.key_arn},
            "ResourceConfig": {
                "InstanceType": self.training_instance_type,
                "InstanceCount": self.training_instances,
                "VolumeSizeInGB": 30,
                "VolumeKmsKeyId": self.key_arn,
            },
            "EnableManagedSpotTraining": True,
            "EnableInterContainerTrafficEncryption": self.training_instances > 1,
            "StoppingCondition": {
                "MaxRuntimeInSeconds": self.max_runtime_seconds,
                "MaxWaitTimeInSeconds": 2 * self.max_runtime_seconds,
            },
            "CheckpointConfig": {"S3Uri": self._place(CHECKPOINTS_PREFIX), "LocalPath": _CHECKPOINTS},
        }

    def _script(self) -> Json:
        # the container reads every hyperparameter as JSON, so a text has its quotes
        return {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": f'"{self.code_url}"'}

    def _evaluate(self) -> Json:
        inputs = {
            "model": self._model(),
            **{split: _output("Dataset", split) for split in SPLITS},
        }
        output = "/opt/ml/processing/output/evaluation"
        directories = [word for name in inputs for word in (f"--{name}", f"/opt/ml/processing/input/{name}")]
        return {
            "Name": "Evaluate",
            "Type": "Processing",
            "Arguments": self._processing(
                ["evaluate.py", *directories, "--output", output],
                inputs=inputs,
                outputs={"evaluation": (output, self._place(EVALUATIONS_PREFIX))},
            ),
            "PropertyFiles": [
                {"PropertyFileName": "Comparison", "OutputName": "evaluation", "FilePath": "comparison.json"}
            ],
        }

    def _model(self) -> Json:
        if self.tuning == Tuning.OFF:
            return {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
        best = {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"}
        return _join(f"{self.bucket_url}/{ARTIFACTS_PREFIX}", best, "/output/model.tar.gz")

    def _good_enough(self) -> Json:
        return {
            "Name": "GoodEnough",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {
                        "Type": "GreaterThan",
                        "LeftValue": {"Std:JsonGet": {"PropertyFile": _COMPARISON, "Path": "auc_lower_bound"}},
                        "RightValue": {"Get": "Parameters.MinimumAuc"},
                    }
                ],
                "IfSteps": [self._register()],
                "ElseSteps": [self._fail()],
            },
        }

    def _register(self) -> Json:
        reports = {
            name: {"ContentType": "application/json", "S3Uri": self._place(EVALUATIONS_PREFIX, f"{file}.json")}
            for name, file in (("quality", "evaluation"), ("bias", "bias"), ("explainability", "explainability"))
        }
        return {
            "Name": "Register",
            "Type": "RegisterModel",
            "Arguments": {
                "ModelPackageGroupName": self.model_package_group,
                "ModelApprovalStatus": "PendingManualApproval",
                "ModelMetrics": {
                    "ModelQuality": {"Statistics": reports["quality"]},
                    "Bias": {"Report": reports["bias"]},
                    "Explainability": {"Report": reports["explainability"]},
                },
                "InferenceSpecification": {
                    "Containers": [{"Image": self.image, "ModelDataUrl": self._model(), "Environment": _SERVING}],
                    "SupportedContentTypes": ["text/csv", "application/json"],
                    "SupportedResponseMIMETypes": ["text/csv", "application/json"],
                },
            },
        }

    def _fail(self) -> Json:
        """Says what was needed and where the report is, and no figure of it: nowhere is JsonGet seen in a Fail step."""
        told = [
            "The model is not registered: its AUC on the newest customers is not, with 97.5 % confidence, above ",
            {"Get": "Parameters.MinimumAuc"},
            ". The report: ",
            self._place(EVALUATIONS_PREFIX, "report.html"),
        ]
        return {"Name": "NotGoodEnough", "Type": "Fail", "Arguments": {"ErrorMessage": _join(*told)}}

    def _processing(
        self, arguments: Sequence[Any], *, inputs: Mapping[str, Any], outputs: Mapping[str, tuple[str, Json]]
    ) -> Json:
        return {
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": self.processing_instance_type,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 30,
                    "VolumeKmsKeyId": self.key_arn,
                }
            },
            "AppSpecification": {
                "ImageUri": self.image,
                "ContainerEntrypoint": ["bash", "-c", _UNPACK_AND_RUN, "bash"],
                "ContainerArguments": list(arguments),
            },
            "RoleArn": self.processing_role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": MOST_PROCESSING_SECONDS},
            "ProcessingInputs": [
                {
                    "InputName": name,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/input/{name}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for name, uri in {"code": self.code_url, **inputs}.items()
            ],
            "ProcessingOutputConfig": {
                "KmsKeyId": self.key_arn,
                "Outputs": [
                    {
                        "OutputName": name,
                        "S3Output": {"S3Uri": uri, "LocalPath": directory, "S3UploadMode": "EndOfJob"},
                    }
                    for name, (directory, uri) in outputs.items()
                ],
            },
            "Tags": self._tags(),
        }

    def _place(self, prefix: str, name: str = "") -> Json:
        """Where this run leaves something in the training bucket."""
        parts = [f"{self.bucket_url}/{prefix}", run_only("PipelineExecutionId")]
        return _join(*parts, f"/{name}") if name else _join(*parts)

    def _tags(self) -> list[Json]:
        return [{"Key": "sandbox", "Value": self.sandbox_name}]


_WHEN_OUT_OF_CAPACITY = {
    "ExceptionType": ["SageMaker.CAPACITY_ERROR", "Step.THROTTLING"],
    "IntervalSeconds": 60,
    "BackoffRate": 2.0,
    "MaxAttempts": 3,
}


def _output(step: str, name: str) -> Json:
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"}


def _join(*values: Any) -> Json:
    return {"Std:Join": {"On": "", "Values": list(values)}}
