"""From raw to curated: pure functions on Spark data frames."""
