-- Which access keys were used from more than one address?
-- tables: cloudtrail
SELECT
  access_key_id,
  MIN(user_arn) AS user_arn_of_one_call,
  COUNT(DISTINCT source_ip) AS addresses,
  STRING_AGG(DISTINCT source_ip, ', ' ORDER BY source_ip) AS source_ips,
  COUNT(*) AS calls,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE access_key_id IS NOT NULL AND source_ip IS NOT NULL
GROUP BY access_key_id
HAVING COUNT(DISTINCT source_ip) > 1
ORDER BY addresses DESC, calls DESC, access_key_id
LIMIT 100
