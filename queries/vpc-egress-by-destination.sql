-- To which public addresses did private ones send the most bytes?
-- tables: vpcflow
SELECT
  destination_ip,
  COUNT(*) AS flows,
  COUNT(DISTINCT source_ip) AS senders,
  STRING_AGG(DISTINCT source_ip, ', ' ORDER BY source_ip) AS sender_ips,
  SUM(bytes_out) AS bytes,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM vpcflow
WHERE event_action = 'ACCEPT'
  AND source_ip ~ '^(10\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|f[cd][0-9a-f]{2}:)'
  AND destination_ip !~ '^(10\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|169\.254\.|f[cd][0-9a-f]{2}:|fe80:)'
GROUP BY destination_ip
ORDER BY bytes DESC NULLS LAST, destination_ip
LIMIT 100
