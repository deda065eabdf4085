-- Which addresses stand as source in more than one kind of log?
-- tables: events
SELECT
  source_ip,
  COUNT(DISTINCT source_table) AS logs,
  STRING_AGG(DISTINCT source_table, ', ' ORDER BY source_table) AS log_tables,
  COUNT(event_id) AS events,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM events
WHERE source_ip IS NOT NULL
GROUP BY source_ip
HAVING COUNT(DISTINCT source_table) > 1
ORDER BY logs DESC, events DESC, source_ip
LIMIT 100
