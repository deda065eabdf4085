-- In which regions was something done, and where was it changes?
-- tables: cloudtrail
SELECT
  region,
  COUNT(*) AS calls,
  SUM(CASE WHEN ct_read_only = FALSE THEN 1 ELSE 0 END) AS changes,
  COUNT(DISTINCT user_arn) AS principals,
  COUNT(DISTINCT resource) AS services,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
GROUP BY region
ORDER BY calls DESC, region
LIMIT 100
