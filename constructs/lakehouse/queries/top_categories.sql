-- Top categories
-- The categories that earn most, ranked per currency, since amounts in different currencies must not be added up.
-- Guide 4.1: such aggregates are the raw material of features. Returns count against revenue, and an event that
-- arrived twice counts once, because delivery is at least once.
WITH events AS (
    SELECT
        category,
        currency,
        event_type,
        quantity,
        amount,
        row_number() OVER (PARTITION BY event_id ORDER BY arrival_time) AS copy
    FROM $processed.orders
),

categories AS (
    SELECT
        currency,
        category,
        count_if(event_type = 'purchase') AS purchases,
        sum(if(event_type = 'purchase', quantity, 0)) AS units_sold,
        sum(if(event_type = 'purchase', amount, -amount)) AS net_revenue
    FROM events
    WHERE copy = 1
    GROUP BY currency, category
)

SELECT
    currency,
    rank() OVER (PARTITION BY currency ORDER BY net_revenue DESC) AS place,
    category,
    purchases,
    units_sold,
    net_revenue
FROM categories
ORDER BY currency, place, category
