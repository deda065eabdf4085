-- Which errors did calls to AWS end with, for which services and how many principals?
-- tables: cloudtrail
SELECT
  error_code,
  resource AS service,
  COUNT(*) AS calls,
  COUNT(DISTINCT user_arn) AS principals,
  COUNT(DISTINCT source_ip) AS addresses,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE error_code IS NOT NULL
GROUP BY error_code, resource
ORDER BY calls DESC, error_code, service
LIMIT 100
