"""What the cleaners and the guards have in common: how they ask SageMaker."""
