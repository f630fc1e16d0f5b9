"""As much of Glue's data quality library as the jobs use."""
