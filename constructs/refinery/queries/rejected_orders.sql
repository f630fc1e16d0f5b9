-- Rejected orders
-- The orders that the last run rejected, each with the rules it failed. Rejected customers and features lie in tables
-- of the same kind: rejected_customers, rejected_customer_features.
-- Guide 3.6: what is rejected is kept and explained, so that it can be repaired and sent again.
WITH last_run AS (
    SELECT max(as_of) AS as_of
    FROM $processed.quality_verdicts
    WHERE data_set = 'orders' AND as_of >= current_date - INTERVAL '30' DAY
)

SELECT
    rejected.as_of,
    rejected.event_id,
    rejected.event_time,
    rejected.sent_time,
    rejected.customer_id,
    rejected.quantity,
    rejected.amount,
    rejected.currency,
    array_join(rejected.failed_rules, '; ') AS failed_rules
FROM $processed.rejected_orders AS rejected
INNER JOIN last_run ON rejected.as_of = last_run.as_of
-- said again, because Athena computes the partitions to read before it knows the last run
WHERE rejected.as_of >= current_date - INTERVAL '30' DAY
ORDER BY rejected.event_time DESC, rejected.event_id
