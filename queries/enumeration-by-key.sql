-- Which keys asked for many different things within an hour, as somebody does who looks around?
-- tables: cloudtrail
SELECT
  STRFTIME(event_time, '%Y-%m-%d %H:00') AS hour,
  access_key_id,
  user_arn,
  source_ip,
  COUNT(DISTINCT event_action) AS actions,
  COUNT(DISTINCT resource) AS services,
  COUNT(*) AS calls,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures
FROM cloudtrail
WHERE event_action ~ '^(List|Describe|Get|Lookup|Search)' AND access_key_id IS NOT NULL
GROUP BY STRFTIME(event_time, '%Y-%m-%d %H:00'), access_key_id, user_arn, source_ip
HAVING COUNT(DISTINCT event_action) >= 5
ORDER BY actions DESC, calls DESC, hour, access_key_id, user_arn, source_ip
LIMIT 100
