-- Which clients were turned away by authorizers, keys, WAF or throttling of API Gateway?
-- tables: apigateway
SELECT
  source_ip,
  http_status,
  COALESCE(apigw_authorizer_error, error_code) AS reason,
  COUNT(*) AS requests,
  COUNT(DISTINCT url_path) AS paths,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM apigateway
WHERE http_status IN (401, 403, 407, 413, 429) OR apigw_authorizer_error IS NOT NULL
GROUP BY source_ip, http_status, COALESCE(apigw_authorizer_error, error_code)
ORDER BY requests DESC, source_ip, http_status, reason
LIMIT 100
