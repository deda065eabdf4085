-- Who failed to sign in to the console, how often and from where?
-- tables: cloudtrail
SELECT
  user_name,
  source_ip,
  ct_error_message AS message,
  COUNT(*) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE event_action = 'ConsoleLogin' AND event_outcome = 'failure'
GROUP BY user_name, source_ip, ct_error_message
ORDER BY failures DESC, user_name, source_ip, message
LIMIT 100
