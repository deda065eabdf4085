-- What did the root user of an account do, and from where?
-- tables: cloudtrail
SELECT
  event_time,
  account_id,
  resource AS service,
  event_action,
  event_outcome,
  source_ip,
  user_agent,
  event_id
FROM cloudtrail
WHERE ct_user_identity_type = 'Root' AND ct_user_identity_invoked_by IS NULL
ORDER BY event_time, event_id
LIMIT 1000
