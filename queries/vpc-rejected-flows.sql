-- Which addresses were refused most often, and on which ports?
-- tables: vpcflow
SELECT
  source_ip,
  destination_port,
  COUNT(*) AS flows,
  COUNT(DISTINCT destination_ip) AS targets,
  SUM(vpc_packets) AS packets,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM vpcflow
WHERE event_action = 'REJECT'
GROUP BY source_ip, destination_port
ORDER BY flows DESC, source_ip, destination_port
LIMIT 100
