"""EMR Serverless: applications, and runs in local Spark."""
