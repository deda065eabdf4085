-- In which hours did a private address send the most bytes to one public address?
-- tables: vpcflow
SELECT
  STRFTIME(event_time, '%Y-%m-%d %H:00') AS hour,
  source_ip,
  destination_ip,
  COUNT(*) AS flows,
  SUM(bytes_out) AS bytes
FROM vpcflow
WHERE event_action = 'ACCEPT'
  AND source_ip ~ '^(10\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|f[cd][0-9a-f]{2}:)'
  AND destination_ip !~ '^(10\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|169\.254\.|f[cd][0-9a-f]{2}:|fe80:)'
GROUP BY STRFTIME(event_time, '%Y-%m-%d %H:00'), source_ip, destination_ip
ORDER BY bytes DESC NULLS LAST, hour, source_ip, destination_ip
LIMIT 100
