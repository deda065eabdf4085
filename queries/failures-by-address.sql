-- Which addresses failed most, over all logs?
-- tables: events
SELECT
  source_ip,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  COUNT(event_id) AS events,
  COUNT(DISTINCT error_code) AS error_codes,
  COUNT(DISTINCT target) AS targets,
  STRING_AGG(DISTINCT source_table, ', ' ORDER BY source_table) AS log_tables
FROM events
WHERE source_ip IS NOT NULL
GROUP BY source_ip
HAVING SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) > 0
ORDER BY failures DESC, events DESC, source_ip
LIMIT 100
