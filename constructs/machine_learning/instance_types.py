"""Where work may run: the instance types that a sandbox can allow."""

from enum import StrEnum


class TrainingInstanceType(StrEnum):
    """Small types of the general and the compute kind that the guide names for training (6.6), with EBS storage alone.

    There is none with a GPU: boosting runs on the CPU here (``jobs/training/boosting.py`` names no device), and would
    pay for one that idles.

    Types with local NVMe storage, such as ml.g4dn and ml.g5, are left out: training there cannot have a volume
    key, and a sandbox's jobs must.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html (VolumeKmsKeyId)
    """

    ML_M5_LARGE = "ml.m5.large"
    ML_M5_XLARGE = "ml.m5.xlarge"
    ML_M5_2XLARGE = "ml.m5.2xlarge"
    ML_M5_4XLARGE = "ml.m5.4xlarge"
    ML_C5_XLARGE = "ml.c5.xlarge"
    ML_C5_2XLARGE = "ml.c5.2xlarge"
    ML_C5_4XLARGE = "ml.c5.4xlarge"


PROCESSING_INSTANCE_TYPE = TrainingInstanceType.ML_M5_LARGE
"""Of the jobs that make the data set and evaluate the model."""


class StudioInstanceType(StrEnum):
    """Small types for notebooks; ``system`` runs the Studio apps that need none.

    The one with a GPU is for what a learner writes; nothing of the sandbox's own uses it, and no default names it.
    """

    ML_T3_MEDIUM = "ml.t3.medium"
    ML_T3_LARGE = "ml.t3.large"
    ML_T3_XLARGE = "ml.t3.xlarge"
    ML_M5_LARGE = "ml.m5.large"
    ML_M5_XLARGE = "ml.m5.xlarge"
    ML_C5_LARGE = "ml.c5.large"
    ML_C5_XLARGE = "ml.c5.xlarge"
    ML_G4DN_XLARGE = "ml.g4dn.xlarge"
