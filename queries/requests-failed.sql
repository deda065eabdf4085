-- Which API Gateway requests failed, with which status of the endpoint and which error?
-- tables: requests
SELECT
  event_time,
  resource AS api,
  req_stage AS stage,
  source_ip,
  http_method,
  url_path,
  http_status,
  req_endpoint_status AS endpoint_status,
  req_integration_latency_ms AS endpoint_ms,
  req_error AS error,
  request_id,
  event_id
FROM requests
WHERE http_status >= 400 OR req_error IS NOT NULL
ORDER BY event_time, event_id
LIMIT 1000
