-- Which log groups write errors, of which kind and how often?
-- tables: cloudwatch
SELECT
  resource AS log_group,
  cw_level AS level,
  error_code,
  COUNT(*) AS lines,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudwatch
WHERE event_outcome = 'failure' OR cw_level IN ('ERROR', 'FATAL', 'CRITICAL')
GROUP BY resource, cw_level, error_code
ORDER BY lines DESC, log_group, level, error_code
LIMIT 100
