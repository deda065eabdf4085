-- Who read CloudWatch Logs through the API, which groups and how often?
-- tables: cloudtrail
SELECT
  user_arn,
  source_ip,
  event_action,
  target AS log_group,
  COUNT(*) AS calls,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE event_action IN (
  'GetLogEvents', 'FilterLogEvents', 'StartQuery', 'GetQueryResults', 'StartLiveTail', 'GetLogRecord', 'GetLogObject',
  'CreateExportTask', 'PutSubscriptionFilter', 'Unmask')
GROUP BY user_arn, source_ip, event_action, target
ORDER BY calls DESC, user_arn, event_action, log_group, source_ip
LIMIT 100
