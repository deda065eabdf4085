-- Which Lambda functions cost most, in GB-seconds, and on which day?
-- tables: invocations
SELECT
  inv_function AS function_name,
  STRFTIME(event_time, '%Y-%m-%d') AS day,
  COUNT(*) AS invocations,
  SUM(inv_billed_duration_ms) AS billed_ms,
  SUM(inv_billed_duration_ms * inv_memory_size_mb) / 1024000 AS gb_seconds,
  MAX(inv_max_memory_used_mb) AS most_memory_mb
FROM invocations
GROUP BY inv_function, STRFTIME(event_time, '%Y-%m-%d')
ORDER BY billed_ms DESC NULLS LAST, function_name, day
LIMIT 100
