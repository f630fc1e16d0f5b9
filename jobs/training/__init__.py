"""What SageMaker runs: scripts for the Python 3.12 and the libraries of its XGBoost container 3.2-0, and nothing else.

They keep to Python 3.10, so that the version before runs them too, and to what the libraries of both have.

Container: https://github.com/aws/deep-learning-containers/tree/main/docker/xgboost
"""
