-- Partition pruning and its cost
-- Guide 3.3 and 3.5: every order_date is a folder in S3, so a predicate on it decides which objects Athena opens.
-- Run this for yesterday alone and note the data scanned (DataScannedInBytes), which is what Athena bills. Then run
-- it without the WHERE line: all days, all objects, and many times the bytes. Parquet prunes columns in the same way:
-- no column is read here but the three that are named, and order_date costs nothing because it is the folder's name.
SELECT
    count(DISTINCT order_date) AS days_read,
    count(DISTINCT "$$path") AS objects_read,
    count(event_id) AS events,
    count(DISTINCT customer_id) AS customers,
    sum(quantity) AS units
FROM $processed.orders
WHERE order_date = date_add('day', -1, current_date)
