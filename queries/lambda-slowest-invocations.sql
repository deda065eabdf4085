-- Which Lambda invocations took longest?
-- tables: invocations
SELECT
  event_time,
  inv_function AS function_name,
  inv_request_id AS invocation,
  inv_duration_ms AS duration_ms,
  inv_status AS status,
  inv_lines AS log_lines,
  trace_id,
  event_id
FROM invocations
WHERE inv_duration_ms IS NOT NULL
ORDER BY duration_ms DESC, event_time, event_id
LIMIT 100
