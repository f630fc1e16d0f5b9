-- Late and duplicate events
-- How many events each channel sent twice, and how many more than an hour after they happened.
-- Guide 3.6: timeliness and consistency are measured, not assumed. A stream delivers at least once and in any order,
-- which is why the other queries count an event once and point_in_time_spend asks when an event was known.
WITH events AS (
    SELECT
        event_id,
        arbitrary(channel) AS channel,
        min(event_time) AS event_time,
        min(sent_time) AS sent_time,
        count(*) AS copies
    FROM $processed.orders
    GROUP BY event_id
),

delays AS (
    SELECT
        channel,
        copies,
        date_diff('minute', event_time, sent_time) AS delay_minutes,
        sent_time > event_time + INTERVAL '1' HOUR AS late
    FROM events
)

SELECT
    channel,
    count(*) AS events,
    count_if(copies > 1) AS repeated_events,
    sum(copies) - count(*) AS surplus_copies,
    count_if(late) AS late_events,
    round(1e2 * count_if(late) / count(*), 1) AS late_percent,
    max(delay_minutes) AS longest_delay_minutes
FROM delays
GROUP BY channel
ORDER BY channel
