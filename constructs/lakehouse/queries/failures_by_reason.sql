-- Failures by reason
-- Why records failed, judged again in SQL from the original bytes that Firehose keeps in rawData, with an example.
-- Guide 3.6: completeness, validity and timeliness, each as a rule. The first rule that matches counts. The
-- transform's own reasons are finer: see its log and its metric by reason.
WITH failed AS (
    SELECT
        failed_date,
        from_unixtime(CAST(arrivaltimestamp AS bigint) / 1e3) + INTERVAL '5' MINUTE AS latest,
        from_utf8(from_base64(rawdata)) AS record
    FROM $processed.orders_failed
),

parsed AS (
    SELECT
        failed_date,
        latest,
        record,
        try(json_parse(record)) IS NOT NULL AS is_json,
        regexp_like(record, '^\s*\{') AS is_object,
        map_keys(try(CAST(json_parse(record) AS map(varchar, json)))) AS field_names,
        try(from_iso8601_timestamp(json_extract_scalar(record, '$$.event_time'))) AS event_time,
        try(from_iso8601_timestamp(json_extract_scalar(record, '$$.sent_time'))) AS sent_time
    FROM failed
),

judged AS (
    SELECT
        failed_date,
        record,
        CASE
            WHEN NOT regexp_like(record, '\S') THEN 'empty'
            WHEN NOT is_json THEN 'not_json'
            WHEN NOT is_object THEN 'not_an_object'
            WHEN cardinality(array_except(ARRAY[
                'event_id', 'event_type', 'event_time', 'sent_time', 'order_id', 'customer_id', 'product_id',
                'category', 'channel', 'quantity', 'amount', 'currency', 'country'
            ], field_names)) > 0 THEN 'missing_field'
            WHEN cardinality(array_except(field_names, ARRAY[
                'event_id', 'event_type', 'event_time', 'sent_time', 'order_id', 'customer_id', 'product_id',
                'category', 'channel', 'quantity', 'amount', 'currency', 'country', 'coupon'
            ])) > 0 THEN 'unknown_field'
            WHEN event_time > latest OR sent_time > latest THEN 'time_in_the_future'
            ELSE 'breaks_the_contract'
        END AS reason
    FROM parsed
)

SELECT
    reason,
    count(*) AS records,
    max(failed_date) AS last_seen,
    min_by(substr(record, 1, 200), length(record)) AS example
FROM judged
GROUP BY reason
ORDER BY records DESC, reason
