-- Which addresses were refused on three or more ports, as in a port scan?
-- tables: vpcflow
SELECT
  source_ip,
  COUNT(DISTINCT destination_port) AS ports,
  COUNT(DISTINCT destination_ip) AS targets,
  COUNT(*) AS flows,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM vpcflow
WHERE event_action = 'REJECT' AND destination_port > 0
GROUP BY source_ip
HAVING COUNT(DISTINCT destination_port) >= 3
ORDER BY ports DESC, flows DESC, source_ip
LIMIT 100
