"""What SageMaker runs: scripts for the Python 3.10 and the libraries of its XGBoost container, and nothing else.

Container: https://github.com/aws/sagemaker-xgboost-container/tree/master/docker/3.0-5
"""
