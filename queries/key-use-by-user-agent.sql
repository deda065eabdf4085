-- With which programs was each access key used?
-- tables: cloudtrail
SELECT
  access_key_id,
  SPLIT_PART(user_agent, ' ', 1) AS program,
  COUNT(*) AS calls,
  COUNT(DISTINCT source_ip) AS addresses,
  COUNT(DISTINCT event_action) AS actions,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE access_key_id IS NOT NULL
GROUP BY access_key_id, SPLIT_PART(user_agent, ' ', 1)
ORDER BY access_key_id, calls DESC, program
LIMIT 1000
