-- Point-in-time spend
-- What each customer had spent as of a day, 30 days before the newest event, told only from what was known then.
-- Guide 4.7 and 4.8: a feature that sees an event before it was sent leaks the future into training. So an event
-- counts if it happened and was sent by the cutoff, once per event_id, and a return takes back what it gives back.
WITH bounds AS (
    SELECT date_trunc('day', max(event_time)) - INTERVAL '30' DAY AS cutoff
    FROM $processed.orders
),

known AS (
    SELECT
        orders.customer_id,
        orders.currency,
        orders.event_type,
        orders.event_time,
        orders.amount,
        bounds.cutoff,
        row_number() OVER (PARTITION BY orders.event_id ORDER BY orders.sent_time) AS copy
    FROM $processed.orders AS orders
    CROSS JOIN bounds
    WHERE orders.event_time <= bounds.cutoff
        AND orders.sent_time <= bounds.cutoff
)

SELECT
    cutoff AS as_of,
    customer_id,
    currency,
    count_if(event_type = 'purchase') AS purchases,
    count_if(event_type = 'return') AS returns,
    sum(if(event_type = 'purchase', amount, -amount)) AS spend,
    date_diff('day', max(if(event_type = 'purchase', event_time)), cutoff) AS days_since_last_purchase
FROM known
WHERE copy = 1
GROUP BY cutoff, customer_id, currency
ORDER BY spend DESC, customer_id, currency
LIMIT 100
