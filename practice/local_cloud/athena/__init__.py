"""Athena: statements that DuckDB runs on the objects of the local cloud's S3."""
