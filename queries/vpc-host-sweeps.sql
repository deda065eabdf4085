-- Which addresses were refused on the same port by several targets, as in a sweep?
-- tables: vpcflow
SELECT
  source_ip,
  destination_port,
  COUNT(DISTINCT destination_ip) AS targets,
  COUNT(*) AS flows,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM vpcflow
WHERE event_action = 'REJECT' AND destination_port > 0
GROUP BY source_ip, destination_port
HAVING COUNT(DISTINCT destination_ip) >= 2
ORDER BY targets DESC, flows DESC, source_ip, destination_port
LIMIT 100
