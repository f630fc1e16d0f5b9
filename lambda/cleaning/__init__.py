"""What the cleaners have in common: they ask SageMaker to remove what blocks a deletion, and look until it is gone."""
