-- How many events does each log have in each hour?
-- tables: events
SELECT
  STRFTIME(event_time, '%Y-%m-%d %H:00') AS hour,
  source_table,
  COUNT(event_id) AS events,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures
FROM events
WHERE event_time IS NOT NULL
GROUP BY STRFTIME(event_time, '%Y-%m-%d %H:00'), source_table
ORDER BY hour, source_table
LIMIT 10000
