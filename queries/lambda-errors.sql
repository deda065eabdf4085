-- Which Lambda functions failed, with which errors and how often?
-- tables: invocations
SELECT
  inv_function AS function_name,
  inv_error_type AS error_type,
  inv_error_message AS message,
  COUNT(*) AS invocations,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM invocations
WHERE event_outcome = 'failure' OR inv_error_type IS NOT NULL
GROUP BY inv_function, inv_error_type, inv_error_message
ORDER BY invocations DESC, function_name, error_type, message
LIMIT 100
