-- Who changed the code, settings, permissions or address of Lambda functions?
-- tables: cloudtrail
SELECT
  event_time,
  user_arn,
  source_ip,
  event_action,
  target AS function_name,
  event_outcome,
  event_id
FROM cloudtrail
WHERE resource = 'lambda.amazonaws.com'
  AND event_action ~ '^(Create|Update|Delete|Publish|Put|Add|Remove)'
ORDER BY event_time, event_id
LIMIT 1000
