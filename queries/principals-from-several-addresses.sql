-- Which principals called AWS from more than one address, and since when from each?
-- tables: cloudtrail
SELECT
  c.user_arn AS actor,
  c.source_ip AS address,
  COUNT(*) AS calls,
  COUNT(DISTINCT c.access_key_id) AS access_keys,
  MIN(c.event_time) AS first_seen,
  MAX(c.event_time) AS last_seen
FROM cloudtrail AS c
JOIN (
  SELECT user_arn AS many_arn
  FROM cloudtrail
  WHERE user_arn IS NOT NULL
  GROUP BY user_arn
  HAVING COUNT(DISTINCT source_ip) > 1
) AS m ON c.user_arn = m.many_arn
WHERE c.source_ip IS NOT NULL
GROUP BY c.user_arn, c.source_ip
ORDER BY actor, first_seen, address
LIMIT 100
