-- Which paths of CloudFront gave errors, of which kind, and at which distribution?
-- tables: cloudfront
SELECT
  resource AS distribution,
  url_path,
  http_status,
  COALESCE(error_code, cf_x_edge_result_type) AS reason,
  COUNT(*) AS requests,
  COUNT(DISTINCT source_ip) AS clients,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudfront
WHERE event_outcome = 'failure'
GROUP BY resource, url_path, http_status, COALESCE(error_code, cf_x_edge_result_type)
ORDER BY requests DESC, distribution, url_path, http_status, reason
LIMIT 100
