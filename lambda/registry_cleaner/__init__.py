"""Ends what runs in a training pipeline and empties its model package group, before CloudFormation deletes them."""
