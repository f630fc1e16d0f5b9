-- Daily revenue
-- Net revenue per day and currency, with its average over the last seven days and its running total.
-- Guide 4.6: rolling statistics are features of a time series, and a window function computes them without a
-- self-join. The frame is a RANGE of days and not a number of rows, so a day without orders does not stretch it.
WITH events AS (
    SELECT
        order_date,
        currency,
        event_type,
        order_id,
        amount,
        row_number() OVER (PARTITION BY event_id ORDER BY arrival_time) AS copy
    FROM $processed.orders
),

days AS (
    SELECT
        order_date,
        currency,
        count(DISTINCT order_id) AS orders,
        sum(if(event_type = 'purchase', amount, -amount)) AS net_revenue
    FROM events
    WHERE copy = 1
    GROUP BY order_date, currency
)

SELECT
    currency,
    order_date,
    orders,
    net_revenue,
    avg(net_revenue) OVER (
        PARTITION BY currency
        ORDER BY order_date
        RANGE BETWEEN INTERVAL '6' DAY PRECEDING AND CURRENT ROW
    ) AS average_of_seven_days,
    sum(net_revenue) OVER (PARTITION BY currency ORDER BY order_date) AS running_total
FROM days
ORDER BY currency, order_date
