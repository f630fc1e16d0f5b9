"""Removes what learners started in a Studio domain, before CloudFormation deletes the domain."""
