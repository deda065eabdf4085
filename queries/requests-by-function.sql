-- Which Lambda functions do API Gateway requests reach, how often and how slowly?
-- tables: requests
SELECT
  req_function_arn AS function_arn,
  resource AS api,
  COUNT(*) AS requests,
  COUNT(DISTINCT source_ip) AS clients,
  SUM(CASE WHEN http_status >= 500 THEN 1 ELSE 0 END) AS server_errors,
  MAX(req_integration_latency_ms) AS slowest_ms,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM requests
GROUP BY req_function_arn, resource
ORDER BY requests DESC, function_arn, api
LIMIT 100
