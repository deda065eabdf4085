-- Which accounts, regions and logs does the lake hold, from when to when?
-- tables: events
SELECT
  source_table,
  account_id,
  region,
  COUNT(event_id) AS events,
  COUNT(DISTINCT STRFTIME(event_time, '%Y-%m-%d')) AS days,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM events
GROUP BY source_table, account_id, region
ORDER BY source_table, account_id, region
LIMIT 1000
