-- Which programs called AWS for only a few times, and whose credentials did they have?
-- tables: cloudtrail
SELECT
  user_agent,
  COUNT(*) AS calls,
  STRING_AGG(DISTINCT user_name, ', ' ORDER BY user_name) AS user_names,
  STRING_AGG(DISTINCT source_ip, ', ' ORDER BY source_ip) AS source_ips,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE user_agent IS NOT NULL
GROUP BY user_agent
HAVING COUNT(*) <= 5
ORDER BY calls, first_seen, user_agent
LIMIT 100
