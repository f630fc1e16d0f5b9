"""Local Spark: where the scripts of Glue and EMR Serverless run."""
