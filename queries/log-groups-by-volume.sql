-- Which log groups write the most text, and how much of it in one line?
-- tables: cloudwatch
SELECT
  resource AS log_group,
  COUNT(*) AS lines,
  SUM(LENGTH(raw)) AS characters,
  MAX(LENGTH(raw)) AS longest_line,
  COUNT(DISTINCT cw_log_stream) AS log_streams,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudwatch
GROUP BY resource
ORDER BY characters DESC NULLS LAST, log_group
LIMIT 100
