"""How exactly a median or a quantile is found."""

EXACT = 0.0
"""Spark's ``relativeError``. An approximate quantile depends on how the rows are spread over the workers, so a second
run could store other parameters. Exact costs memory for each value of the training window, which a few million
customers still afford.

Source: https://spark.apache.org/docs/3.5.6/api/python/reference/pyspark.sql/api/pyspark.sql.DataFrame.approxQuantile.html
"""
