-- Which interfaces have times without flow records, by NODATA or by SKIPDATA?
-- tables: vpcflow
SELECT
  resource AS interface,
  vpc_log_status AS log_status,
  COUNT(*) AS windows,
  MIN(event_time) AS first_seen,
  MAX(event_end) AS last_seen
FROM vpcflow
WHERE vpc_log_status IN ('NODATA', 'SKIPDATA')
GROUP BY resource, vpc_log_status
ORDER BY log_status DESC NULLS LAST, windows DESC, interface
LIMIT 100
