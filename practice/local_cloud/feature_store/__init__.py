"""SageMaker Feature Store: records online and offline, and the table over them."""
