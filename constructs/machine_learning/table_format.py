"""How the offline store lays out its table."""

from enum import StrEnum


class TableFormat(StrEnum):
    """The formats of an offline store's table.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html
    """

    GLUE = "glue"
    """Plain Parquet files; a query sees every version of a record."""

    ICEBERG = "iceberg"
    """An Iceberg table: small files are compacted, and past states can be queried."""
