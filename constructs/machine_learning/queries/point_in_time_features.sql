-- Point-in-time features
-- What was known of each customer at a moment, here 30 days ago: the newest features that are not after it.
-- Guide 4.8: training on what was only known later leaks the future, so join features to labels like this. The offline
-- store keeps every write; the last one counts where a write was repeated, and a customer deleted by then is left out.
WITH moment AS (
    SELECT current_timestamp - INTERVAL '30' DAY AS known_at
),

versions AS (
    SELECT
        features.*,
        row_number() OVER (
            PARTITION BY features.customer_id
            ORDER BY
                from_iso8601_timestamp(features.event_time) DESC,
                features.api_invocation_time DESC,
                features.write_time DESC
        ) AS age
    FROM $features.customer_features AS features
    CROSS JOIN moment
    WHERE from_iso8601_timestamp(features.event_time) <= moment.known_at
)

SELECT
    customer_id,
    event_time,
    frequency,
    recency,
    T,
    spend_30d
FROM versions
WHERE age = 1 AND NOT is_deleted
ORDER BY frequency DESC, customer_id
LIMIT 100
