"""The Spark schemas of the data sets, from the contracts.

A column has the type of the same column in the Glue table, so Spark, Athena and Firehose agree on every file.
"""

from __future__ import annotations

from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from contracts import Contract, Field

_TYPES: dict[str, DataType] = {
    "bigint": LongType(),
    "boolean": BooleanType(),
    "date": DateType(),
    "double": DoubleType(),
    "int": IntegerType(),
    "string": StringType(),
    "timestamp": TimestampType(),
}

LABEL = "no_purchase_90d"

FROM_CUSTOMERS = {
    "customer_country": StringType(),
    "signup_date": DateType(),
    "acquisition_channel": StringType(),
    "is_known_customer": BooleanType(),
}
"""What a cleaned order has from its customer: all but the last are NULL of one whom the shop's batch lacks."""


def spark_type(field: Field) -> DataType:
    """The type of a field's column."""
    if field.glue_type.startswith("decimal"):
        precision, scale = field.glue_type.removeprefix("decimal(").removesuffix(")").split(",")
        return DecimalType(int(precision), int(scale))
    return _TYPES[field.glue_type]


def orders_schema() -> StructType:
    """Orders as Firehose writes them, with their partition."""
    return _schema(Contract.load("orders")).add("order_date", DateType())


def cleaned_orders_schema() -> StructType:
    """Orders as ``clean_orders`` writes them, with their partition."""
    schema = _schema(Contract.load("orders"))
    for name, type_ in FROM_CUSTOMERS.items():
        schema = schema.add(name, type_)
    return schema.add("order_date", DateType())


def cleaned_customers_schema() -> StructType:
    """Customers as ``clean_orders`` writes them, with their partition."""
    return _schema(Contract.load("customers")).add("snapshot_date", DateType())


def feature_fields(contract: Contract | None = None) -> dict[str, DataType]:
    """The features and their types. The event time is text, as Feature Store keeps it."""
    contract = contract or Contract.load("customer_features")
    return {
        field.name: StringType() if field.name == contract.event_time else spark_type(field)
        for field in contract.fields
    }


def features_schema() -> StructType:
    """Features as ``build_customer_features`` writes them, with their partition."""
    fields = [StructField(name, type_) for name, type_ in feature_fields().items()]
    return StructType(fields).add("cutoff_date", DateType())


def labels_schema() -> StructType:
    """Labels as ``build_customer_features`` writes them, with their partition."""
    contract = Contract.load("customer_features")
    keys = [StructField(name, StringType()) for name in (contract.record_identifier, contract.event_time)]
    return StructType([*keys, StructField(LABEL, IntegerType()), StructField("cutoff_date", DateType())])


def _schema(contract: Contract) -> StructType:
    return StructType([StructField(field.name, spark_type(field)) for field in contract.fields])
