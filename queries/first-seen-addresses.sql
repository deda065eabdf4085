-- From which addresses was AWS called for the first time last, and by whom?
-- tables: cloudtrail
SELECT
  source_ip,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen,
  COUNT(*) AS calls,
  COUNT(DISTINCT access_key_id) AS access_keys,
  STRING_AGG(DISTINCT user_name, ', ' ORDER BY user_name) AS user_names
FROM cloudtrail
WHERE source_ip IS NOT NULL
GROUP BY source_ip
ORDER BY first_seen DESC, source_ip
LIMIT 100
