-- Which access keys were made, by whom and for which user?
-- tables: cloudtrail
SELECT
  event_time,
  user_arn AS made_by,
  source_ip,
  target AS made_for,
  SPLIT_PART(SPLIT_PART(ct_response_elements, '"accessKeyId":"', 2), '"', 1) AS new_key,
  event_outcome,
  error_code,
  event_id
FROM cloudtrail
WHERE event_action = 'CreateAccessKey' AND event_outcome IS NOT NULL
ORDER BY event_time, event_id
LIMIT 1000
