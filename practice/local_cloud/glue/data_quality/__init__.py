"""Glue Data Quality of the local cloud: what the project's rulesets use of it, and no more."""
