-- Which paths behind load balancers answered with errors, how often and to how many clients?
-- tables: alb
SELECT
  url_path,
  http_status,
  COUNT(*) AS requests,
  COUNT(DISTINCT source_ip) AS clients,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM alb
WHERE http_status >= 400
GROUP BY url_path, http_status
ORDER BY requests DESC, url_path, http_status
LIMIT 100
