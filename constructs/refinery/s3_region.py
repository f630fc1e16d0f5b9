"""The region of the buckets, which Spark must be told."""

S3_REGION = "spark.hadoop.fs.s3a.endpoint.region"
"""The Spark setting that names it. Glue 5.1 and EMR from 7.10 on read ``s3://`` through S3A, which without region and
endpoint assumes us-east-2, and runs into timeouts elsewhere.

Sources: https://docs.aws.amazon.com/glue/latest/dg/migrating-version-51.html ("Migrating from AWS Glue 5.0"),
https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-s3a-migrate.html
"""
