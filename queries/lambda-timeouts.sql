-- Which Lambda invocations ran out of time or never told their end?
-- tables: invocations
SELECT
  event_time,
  inv_function AS function_name,
  inv_request_id AS invocation,
  inv_status AS status,
  inv_duration_ms AS duration_ms,
  inv_memory_size_mb AS memory_mb,
  inv_max_memory_used_mb AS used_mb,
  inv_log_stream AS log_stream,
  event_id
FROM invocations
WHERE inv_timed_out OR NOT inv_finished
ORDER BY event_time, event_id
LIMIT 1000
