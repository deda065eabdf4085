-- Who was refused which calls, how often and from where?
-- tables: cloudtrail
SELECT
  COALESCE(user_arn, user_name, ct_user_identity_principal_id) AS actor,
  source_ip,
  resource AS service,
  event_action,
  error_code,
  COUNT(*) AS calls,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE error_code ~* 'denied|unauthorized|forbidden'
GROUP BY
  COALESCE(user_arn, user_name, ct_user_identity_principal_id),
  source_ip, resource, event_action, error_code
ORDER BY calls DESC, actor, service, event_action, source_ip, error_code
LIMIT 100
