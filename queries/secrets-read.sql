-- Who read which secrets and parameters, how often and from where?
-- tables: cloudtrail
SELECT
  user_arn,
  source_ip,
  event_action,
  target AS secret,
  COUNT(*) AS calls,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE event_action IN (
  'GetSecretValue', 'BatchGetSecretValue', 'GetParameter', 'GetParameters', 'GetParametersByPath',
  'GetParameterHistory')
GROUP BY user_arn, source_ip, event_action, target
ORDER BY secret, calls DESC, user_arn, source_ip, event_action
LIMIT 100
