-- What was deleted, stopped or scheduled to go, by whom and from where?
-- tables: cloudtrail
SELECT
  event_time,
  COALESCE(user_arn, user_name) AS actor,
  source_ip,
  resource AS service,
  event_action,
  target,
  event_outcome,
  error_code,
  event_id
FROM cloudtrail
WHERE event_action ~ '^(Delete|Terminate|Stop|Disable|Deactivate|Remove|Purge|Schedule.*Deletion)'
  AND event_outcome IS NOT NULL
ORDER BY event_time, event_id
LIMIT 1000
