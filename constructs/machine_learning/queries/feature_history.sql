-- Feature history
-- How the features of one customer, the most frequent one, moved from version to version.
-- Guide 4.8: the store versions features by event time. Where they drift away from what a model was trained on, its
-- answers do too. Put the customer you ask about in place of the one that is picked here.
WITH versions AS (
    SELECT
        features.*,
        row_number() OVER (
            PARTITION BY features.customer_id, from_iso8601_timestamp(features.event_time)
            ORDER BY features.api_invocation_time DESC, features.write_time DESC
        ) AS age
    FROM $features.customer_features AS features
),

picked AS (
    SELECT customer_id
    FROM versions
    WHERE age = 1 AND NOT is_deleted
    GROUP BY customer_id
    ORDER BY max(frequency) DESC, customer_id
    LIMIT 1
)

SELECT
    versions.customer_id,
    versions.event_time,
    versions.frequency,
    versions.frequency - lag(versions.frequency) OVER (ORDER BY from_iso8601_timestamp(versions.event_time)) AS change,
    versions.orders_30d,
    versions.spend_30d
FROM versions
INNER JOIN picked ON versions.customer_id = picked.customer_id
WHERE versions.age = 1 AND NOT versions.is_deleted
ORDER BY from_iso8601_timestamp(versions.event_time)
