-- Which principals appeared last in the logs, and what did they do first?
-- tables: cloudtrail
SELECT
  a.actor AS actor,
  a.first_seen AS first_seen,
  a.last_seen AS last_seen,
  a.calls AS calls,
  a.addresses AS addresses,
  MIN(f.event_action) AS first_action
FROM (
  SELECT
    user_arn AS actor,
    MIN(event_time) AS first_seen,
    MAX(event_time) AS last_seen,
    COUNT(*) AS calls,
    COUNT(DISTINCT source_ip) AS addresses
  FROM cloudtrail
  WHERE user_arn IS NOT NULL
  GROUP BY user_arn
) AS a
JOIN cloudtrail AS f ON a.actor = f.user_arn AND a.first_seen = f.event_time
GROUP BY a.actor, a.first_seen, a.last_seen, a.calls, a.addresses
ORDER BY first_seen DESC, actor
LIMIT 100
