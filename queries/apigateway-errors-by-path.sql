-- Which paths of API Gateway failed, how often and for how many clients?
-- tables: apigateway
SELECT
  resource AS api,
  http_method,
  url_path,
  http_status,
  COUNT(*) AS requests,
  COUNT(DISTINCT source_ip) AS clients,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM apigateway
WHERE http_status >= 400
GROUP BY resource, http_method, url_path, http_status
ORDER BY requests DESC, api, url_path, http_method, http_status
LIMIT 100
