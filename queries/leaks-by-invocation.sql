-- During which Lambda invocations and other requests were the most secrets logged?
-- tables: occurrences, cloudwatch
SELECT
  o.resource AS log_group,
  c.invocation AS invocation,
  COUNT(DISTINCT o.fingerprint) AS distinct_values,
  COUNT(*) AS occurrences,
  STRING_AGG(DISTINCT o.rule, ', ' ORDER BY o.rule) AS rules,
  MIN(o.event_time) AS first_seen
FROM occurrences AS o
JOIN (
  SELECT event_id AS line_id, request_id AS invocation
  FROM cloudwatch
) AS c ON o.event_id = c.line_id
WHERE o.category <> 'pii'
GROUP BY o.resource, c.invocation
ORDER BY distinct_values DESC, occurrences DESC, log_group, invocation
LIMIT 100
