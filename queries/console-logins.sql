-- Who signed in to the console, from where, with a second factor or not, and did it work?
-- tables: cloudtrail
SELECT
  event_time,
  COALESCE(user_name, ct_user_identity_type) AS actor,
  source_ip,
  event_outcome,
  SPLIT_PART(SPLIT_PART(ct_additional_event_data, '"MFAUsed":"', 2), '"', 1) AS mfa_used,
  user_agent,
  event_id
FROM cloudtrail
WHERE event_action = 'ConsoleLogin'
ORDER BY event_time, event_id
LIMIT 1000
