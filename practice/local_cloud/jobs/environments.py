"""Environment variables that each service sets for its jobs, beside credentials.

A job that reads what its service does not set would work here and fail on AWS. So each kind of job has a list of its
own, and of the variables that name the region it has exactly those of its service: botocore reads AWS_DEFAULT_REGION.
"""

from __future__ import annotations

from collections.abc import Mapping

from practice.local_cloud.address import REGION

SAGEMAKER: Mapping[str, str] = {
    "AWS_REGION": REGION,
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
}
"""The service says AWS_REGION, and not AWS_DEFAULT_REGION; the rest stands in the image, which both kinds of job run.

Sources: ``s3_download`` in ``_files.py`` of https://github.com/aws/sagemaker-containers, and its pull request 107;
https://github.com/aws/deep-learning-containers/blob/main/docker/xgboost/Dockerfile. What a training job and a
processing job have of their own stands where their containers are made.
"""

GLUE: Mapping[str, str] = {
    "AWS_DEFAULT_REGION": REGION,
    "GLUE_COMMAND_CRITERIA": "glueetl",
    "GLUE_PYTHON_VERSION": "3",
}
"""With GLUE_VERSION, which is the job's own.

Source: the variables that AWS has Glue jobs report with their lineage, in the Glue job of
https://github.com/aws/modern-data-architecture-accelerator
"""

EMR_SERVERLESS: Mapping[str, str] = {"AWS_REGION": REGION}
"""With the ids of the application and of the job. That it says the region so, no page of AWS promises.

Source of the ids: ``FlintJob.scala`` of https://github.com/opensearch-project/opensearch-spark, which runs there
"""
