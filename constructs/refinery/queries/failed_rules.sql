-- Failed rules
-- Which rules the gates found broken in the last 30 days, on how many rows, and what they measured.
-- Guide 3.6: quality is measured at every run. A rule about the data set as a whole, such as its number of rows, has
-- no rows that fail it; its message says what was found.
SELECT
    as_of,
    run_id,
    data_set,
    rule,
    failed_rows,
    "rows" AS judged_rows,
    message
FROM $processed.quality_verdicts
CROSS JOIN UNNEST(rules) AS judged (rule, rule_passed, failed_rows, message)
WHERE as_of >= current_date - INTERVAL '30' DAY AND NOT rule_passed
ORDER BY as_of DESC, run_id, data_set, failed_rows DESC NULLS LAST, rule
