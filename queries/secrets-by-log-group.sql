-- Which log groups and other places hold secrets, of which kinds and how many?
-- tables: occurrences
SELECT
  resource AS place,
  source_table,
  rule,
  severity,
  COUNT(DISTINCT fingerprint) AS secrets,
  COUNT(*) AS occurrences,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM occurrences
WHERE category <> 'pii' AND category <> 'financial'
GROUP BY resource, source_table, rule, severity
ORDER BY secrets DESC, occurrences DESC, place, source_table, rule, severity
LIMIT 100
