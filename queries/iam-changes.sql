-- Who changed users, roles, groups, policies or keys in IAM?
-- tables: cloudtrail
SELECT
  event_time,
  user_arn,
  source_ip,
  event_action,
  target,
  event_outcome,
  error_code,
  event_id
FROM cloudtrail
WHERE resource = 'iam.amazonaws.com'
  AND event_action ~ '^(Create|Delete|Put|Attach|Detach|Add|Remove|Update|Set|Enable|Deactivate|Upload|Tag|Untag)'
  AND event_outcome IS NOT NULL
ORDER BY event_time, event_id
LIMIT 1000
