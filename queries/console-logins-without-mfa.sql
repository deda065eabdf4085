-- Who signed in to the console without a second factor?
-- tables: cloudtrail
SELECT
  event_time,
  COALESCE(user_name, ct_user_identity_type) AS actor,
  account_id,
  source_ip,
  user_agent,
  event_id
FROM cloudtrail
WHERE event_action = 'ConsoleLogin'
  AND event_outcome = 'success'
  AND ct_additional_event_data LIKE '%"MFAUsed":"No"%'
  AND (ct_user_identity_type = 'IAMUser' OR ct_user_identity_type = 'Root')
ORDER BY event_time, event_id
LIMIT 1000
