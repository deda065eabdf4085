-- How often did each Lambda function start cold, and how long did that take?
-- tables: invocations
SELECT
  inv_function AS function_name,
  STRFTIME(event_time, '%Y-%m-%d') AS day,
  COUNT(*) AS invocations,
  SUM(CASE WHEN inv_cold_start THEN 1 ELSE 0 END) AS cold_starts,
  COUNT(DISTINCT inv_log_stream) AS log_streams,
  CAST(FLOOR(AVG(inv_init_duration_ms)) AS BIGINT) AS mean_init_ms,
  MAX(inv_init_duration_ms) AS longest_init_ms
FROM invocations
GROUP BY inv_function, STRFTIME(event_time, '%Y-%m-%d')
ORDER BY function_name, day
LIMIT 1000
