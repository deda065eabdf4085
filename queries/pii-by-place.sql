-- Which places hold personal or payment data, of which kinds and how much?
-- tables: occurrences
SELECT
  resource AS place,
  source_table,
  rule,
  COUNT(DISTINCT fingerprint) AS distinct_values,
  COUNT(*) AS occurrences,
  COUNT(DISTINCT event_id) AS events,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM occurrences
WHERE category = 'pii' OR category = 'financial'
GROUP BY resource, source_table, rule
ORDER BY distinct_values DESC, place, source_table, rule
LIMIT 100
