-- Which kinds of call appeared last in the logs, and who made them?
-- tables: cloudtrail
SELECT
  resource AS service,
  event_action,
  MIN(event_time) AS first_seen,
  COUNT(*) AS calls,
  STRING_AGG(DISTINCT user_name, ', ' ORDER BY user_name) AS user_names,
  STRING_AGG(DISTINCT source_ip, ', ' ORDER BY source_ip) AS source_ips
FROM cloudtrail
WHERE event_action IS NOT NULL
GROUP BY resource, event_action
ORDER BY first_seen DESC, service, event_action
LIMIT 100
