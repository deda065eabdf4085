-- Which services were reached by accepted flows only once or twice, answers of busy services left out?
-- tables: vpcflow
SELECT
  destination_port,
  vpc_protocol AS protocol,
  COUNT(*) AS flows,
  MIN(source_ip) AS one_source_ip,
  MIN(destination_ip) AS one_destination_ip,
  SUM(bytes_out) AS bytes,
  MIN(event_time) AS first_seen
FROM vpcflow
WHERE event_action = 'ACCEPT'
  AND destination_port < 32768
  AND source_port NOT IN (
    SELECT destination_port
    FROM vpcflow
    WHERE destination_port IS NOT NULL
    GROUP BY destination_port
    HAVING COUNT(*) >= 10
  )
GROUP BY destination_port, vpc_protocol
HAVING COUNT(*) <= 2
ORDER BY flows, destination_port, protocol
LIMIT 100
