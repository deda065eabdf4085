-- Which keys were issued by a call in the log, to whom, and from where were they used afterwards?
-- tables: cloudtrail
SELECT
  i.event_time AS issued_at,
  i.event_action AS issued_by_call,
  COALESCE(i.user_arn, i.ct_user_identity_invoked_by, i.user_name) AS issued_by,
  i.target AS issued_for,
  i.ct_issued_access_key_id AS issued_key,
  u.used_from AS used_from,
  u.calls AS calls,
  u.first_used AS first_used,
  u.last_used AS last_used,
  i.event_id AS event_id
FROM cloudtrail AS i
JOIN (
  SELECT
    access_key_id AS used_key,
    source_ip AS used_from,
    COUNT(*) AS calls,
    MIN(event_time) AS first_used,
    MAX(event_time) AS last_used
  FROM cloudtrail
  WHERE access_key_id IS NOT NULL
  GROUP BY access_key_id, source_ip
) AS u ON i.ct_issued_access_key_id = u.used_key
ORDER BY issued_at, issued_key, used_from, event_id
LIMIT 1000
