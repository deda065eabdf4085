-- Which addresses that GuardDuty named stand in other logs too?
-- tables: guardduty, events
SELECT
  e.source_ip AS address,
  e.source_table AS log_table,
  COUNT(e.event_id) AS events,
  MIN(e.event_time) AS first_seen,
  MAX(e.event_time) AS last_seen
FROM events AS e
JOIN (
  SELECT DISTINCT gd_remote_ip AS remote_ip
  FROM guardduty
  WHERE gd_remote_ip IS NOT NULL
) AS g ON e.source_ip = g.remote_ip
GROUP BY e.source_ip, e.source_table
ORDER BY address, log_table
LIMIT 100
