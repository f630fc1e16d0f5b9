"""Glue: crawlers, jobs and Data Quality."""
