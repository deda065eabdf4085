-- Which objects were deleted or expired, by whom, as the server access logs tell?
-- tables: s3access
SELECT
  event_time,
  s3_bucket AS bucket,
  s3_key AS object_key,
  s3_operation AS operation,
  s3_requester AS requester,
  source_ip,
  http_status,
  event_id
FROM s3access
WHERE s3_operation LIKE '%DELETE%' OR s3_operation LIKE '%EXPIRE%'
ORDER BY event_time, event_id
LIMIT 1000
