-- Which clients of load balancers got the most bytes, in how many requests?
-- tables: alb
SELECT
  source_ip,
  COUNT(*) AS requests,
  SUM(bytes_out) AS bytes_out_sum,
  SUM(bytes_in) AS bytes_in_sum,
  MAX(bytes_out) AS largest_answer,
  COUNT(DISTINCT url_path) AS paths,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM alb
GROUP BY source_ip
ORDER BY bytes_out_sum DESC NULLS LAST, source_ip
LIMIT 100
