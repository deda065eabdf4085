-- Which addresses appeared last in any log?
-- tables: events
SELECT
  source_ip,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen,
  COUNT(event_id) AS events,
  STRING_AGG(DISTINCT source_table, ', ' ORDER BY source_table) AS log_tables
FROM events
WHERE source_ip IS NOT NULL
GROUP BY source_ip
ORDER BY first_seen DESC NULLS LAST, source_ip
LIMIT 100
