-- Which access key ids that stand in findings were used, for what and from where?
-- tables: findings, cloudtrail
SELECT
  c.access_key_id AS access_key,
  f.first_seen AS leaked_at,
  c.user_arn AS actor,
  c.source_ip AS address,
  c.event_action AS event_action,
  COUNT(*) AS calls,
  MIN(c.event_time) AS first_used,
  MAX(c.event_time) AS last_used
FROM findings AS f
JOIN cloudtrail AS c
  ON SPLIT_PART(SPLIT_PART(f.public_ids, '"access_key_id","', 2), '"', 1) = c.access_key_id
GROUP BY c.access_key_id, f.first_seen, c.user_arn, c.source_ip, c.event_action
ORDER BY first_used, access_key, leaked_at, event_action, address, actor
LIMIT 1000
