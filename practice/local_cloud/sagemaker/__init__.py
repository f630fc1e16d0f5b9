"""SageMaker: Studio, jobs, pipelines and the model registry."""
