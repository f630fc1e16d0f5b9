"""The rulesets that data has to pass (guide 3.6), in the language of Glue Data Quality."""
