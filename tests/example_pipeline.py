"""A pipeline with a step of every type that the local cloud runs, as small as SageMaker would take it."""

from __future__ import annotations

import copy
import json
from typing import Any

Json = dict[str, Any]

ROLE = "arn:aws:iam::111122223333:role/training"
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
_CLUSTER = {"InstanceCount": 1, "InstanceType": {"Get": "Parameters.InstanceType"}, "VolumeSizeInGB": 10}


def _processing(name: str, inputs: list[Json], output: str, **step: Any) -> Json:
    uri = {"Std:Join": {"On": "/", "Values": ["s3://artefacts", {"Get": "Execution.PipelineExecutionId"}, output]}}
    place = {"S3Uri": uri, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    arguments = {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["bash", "-c", "python3 script.py"]},
        "ProcessingResources": {"ClusterConfig": _CLUSTER},
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": output, "S3Output": place}]},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **step}


def _input(name: str, uri: Any) -> Json:
    place = {"LocalPath": f"/opt/ml/processing/input/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {"S3Uri": uri, **place}}


_OF_TRAINING = {
    "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "FastFile"},
    "CheckpointConfig": {"S3Uri": "s3://artefacts/checkpoints"},
    "EnableManagedSpotTraining": True,
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": {"Get": "Steps.Dataset.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"},
                }
            },
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://artefacts/models"},
    "ResourceConfig": _CLUSTER,
    "RoleArn": ROLE,
    "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
}

_EXAMPLE: Json = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [
        {"Name": "InstanceType", "Type": "String", "DefaultValue": "ml.m5.large"},
        {"Name": "Rounds", "Type": "Integer", "DefaultValue": 200},
        {"Name": "MinimumAuc", "Type": "Float", "DefaultValue": 0.7},
    ],
    "PipelineExperimentConfig": {
        "ExperimentName": {"Get": "Execution.PipelineName"},
        "TrialName": {"Get": "Execution.PipelineExecutionId"},
    },
    "Steps": [
        {
            "Name": "GoodEnough",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {
                        "Type": "GreaterThan",
                        "LeftValue": {
                            "Std:JsonGet": {
                                "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Evaluation"},
                                "Path": "auc_lower_bound",
                            }
                        },
                        "RightValue": {"Get": "Parameters.MinimumAuc"},
                    }
                ],
                "IfSteps": [
                    {
                        "Name": "Register",
                        "Type": "RegisterModel",
                        "Arguments": {
                            "ModelPackageGroupName": "churn",
                            "ModelApprovalStatus": "PendingManualApproval",
                            "InferenceSpecification": {
                                "Containers": [
                                    {
                                        "Image": IMAGE,
                                        "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
                                    }
                                ],
                                "SupportedContentTypes": ["text/csv"],
                                "SupportedResponseMIMETypes": ["text/csv"],
                            },
                        },
                    }
                ],
                "ElseSteps": [
                    {
                        "Name": "NotGoodEnough",
                        "Type": "Fail",
                        "Arguments": {
                            "ErrorMessage": {
                                "Std:Join": {
                                    "On": " ",
                                    "Values": ["the AUC is not above", {"Get": "Parameters.MinimumAuc"}],
                                }
                            }
                        },
                    }
                ],
            },
        },
        _processing(
            "Evaluate",
            [_input("model", {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"})],
            "evaluation",
            PropertyFiles=[
                {"PropertyFileName": "Evaluation", "OutputName": "evaluation", "FilePath": "comparison.json"}
            ],
        ),
        {
            "Name": "Train",
            "Type": "Training",
            "Arguments": {
                **_OF_TRAINING,
                "HyperParameters": {"num_round": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Rounds"}]}}},
            },
            "RetryPolicies": [{"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "MaxAttempts": 3}],
            "CacheConfig": {"Enabled": False},
        },
        {
            "Name": "Tune",
            "Type": "Tuning",
            "DependsOn": ["Train"],
            "Arguments": {
                "HyperParameterTuningJobConfig": {
                    "Strategy": "Hyperband",
                    "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
                    "ParameterRanges": {
                        "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.01", "MaxValue": "0.3"}]
                    },
                    "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
                },
                "TrainingJobDefinition": {**_OF_TRAINING, "StaticHyperParameters": {"num_round": "50"}},
            },
        },
        _processing("Dataset", [_input("raw", "s3://curated/features")], "train"),
    ],
}  # fmt: skip


def example() -> Json:
    """A copy of the definition, for a test to change."""
    return copy.deepcopy(_EXAMPLE)


def step(definition: Json, name: str) -> Json:
    """A step that is not in a branch."""
    return next(found for found in definition["Steps"] if found["Name"] == name)


def small(*steps: Json, **definition: Any) -> str:
    """The text of a definition of these steps."""
    return json.dumps({"Version": "2020-12-01", "Steps": list(steps), **definition})


def fail(name: str, message: Any = "on purpose", **members: Any) -> Json:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **members}


def condition(
    name: str, *conditions: Json, then: list[Json] | None = None, otherwise: list[Json] | None = None
) -> Json:
    arguments = {"Conditions": list(conditions), "IfSteps": then or [], "ElseSteps": otherwise or []}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def compare(kind: str, left: Any, right: Any) -> Json:
    return {"Type": kind, "LeftValue": left, "RightValue": right}
