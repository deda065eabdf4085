-- What was changed by hand in the console, by whom and from where?
-- tables: cloudtrail
SELECT
  user_arn,
  source_ip,
  resource AS service,
  event_action,
  COUNT(*) AS calls,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE ct_session_credential_from_console = 'true' AND (ct_read_only IS NULL OR NOT ct_read_only)
GROUP BY user_arn, source_ip, resource, event_action
ORDER BY calls DESC, user_arn, service, event_action, source_ip
LIMIT 100
