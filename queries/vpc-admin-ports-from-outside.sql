-- Which public addresses tried remote administration or database ports, and were they let in?
-- tables: vpcflow
SELECT
  source_ip,
  destination_port,
  SUM(CASE WHEN event_action = 'ACCEPT' THEN 1 ELSE 0 END) AS accepted,
  SUM(CASE WHEN event_action = 'REJECT' THEN 1 ELSE 0 END) AS rejected,
  SUM(CASE WHEN event_action = 'ACCEPT' THEN bytes_out ELSE 0 END) AS accepted_bytes,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM vpcflow
WHERE destination_port IN (22, 23, 135, 445, 1433, 1521, 3306, 3389, 5432, 5900, 5985, 5986, 6379, 9200, 27017)
  AND source_ip !~ '^(10\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|169\.254\.|f[cd][0-9a-f]{2}:|fe80:)'
GROUP BY source_ip, destination_port
ORDER BY accepted DESC, rejected DESC, source_ip, destination_port
LIMIT 100
