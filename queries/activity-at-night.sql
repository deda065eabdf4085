-- Which people and keys changed something at night (22 to 6 h UTC) or at a weekend?
-- tables: cloudtrail
SELECT
  user_arn,
  source_ip,
  event_action,
  COUNT(*) AS calls,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE ct_read_only = FALSE
  AND user_arn IS NOT NULL
  AND (EXTRACT(hour FROM event_time) >= 22 OR EXTRACT(hour FROM event_time) < 6 OR EXTRACT(isodow FROM event_time) > 5)
GROUP BY user_arn, source_ip, event_action
ORDER BY calls DESC, user_arn, event_action, source_ip
LIMIT 100
