-- First look
-- The newest orders, as the transform accepted them. Guide 3.5: the processed zone holds cleaned and validated data.
-- LIMIT shortens what you see, not what Athena scans: partition_pruning shows what does.
SELECT
    event_time,
    event_type,
    order_id,
    customer_id,
    category,
    quantity,
    amount,
    currency,
    country,
    channel
FROM $processed.orders
ORDER BY event_time DESC, event_id
LIMIT 20
