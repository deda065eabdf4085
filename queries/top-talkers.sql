-- Which pairs of addresses exchanged the most bytes, over which services?
-- tables: vpcflow
SELECT
  source_ip,
  destination_ip,
  destination_port,
  COUNT(*) AS flows,
  SUM(bytes_out) AS bytes,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM vpcflow
WHERE event_action = 'ACCEPT'
GROUP BY source_ip, destination_ip, destination_port
ORDER BY bytes DESC NULLS LAST, source_ip, destination_ip, destination_port
LIMIT 100
