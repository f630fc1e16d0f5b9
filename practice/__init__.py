"""The learner's side of the sandbox: local cloud, sample data, queries."""
