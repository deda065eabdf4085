-- Who took on which roles, how often and from where?
-- tables: cloudtrail
SELECT
  COALESCE(user_arn, ct_user_identity_invoked_by, user_name) AS actor,
  event_action,
  target AS role,
  source_ip,
  COUNT(*) AS calls,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE event_action LIKE 'AssumeRole%' OR event_action IN ('AssumeRoot', 'GetFederationToken', 'GetSessionToken')
GROUP BY COALESCE(user_arn, ct_user_identity_invoked_by, user_name), event_action, target, source_ip
ORDER BY calls DESC, actor, role, source_ip, event_action
LIMIT 100
