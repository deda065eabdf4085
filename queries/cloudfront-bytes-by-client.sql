-- Which clients of CloudFront got the most bytes, and for how many paths?
-- tables: cloudfront
SELECT
  source_ip,
  resource AS distribution,
  COUNT(*) AS requests,
  COUNT(DISTINCT url_path) AS paths,
  SUM(bytes_out) AS bytes,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudfront
GROUP BY source_ip, resource
ORDER BY bytes DESC NULLS LAST, source_ip, distribution
LIMIT 100
