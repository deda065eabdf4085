-- What was asked of buckets without credentials, and was it given?
-- tables: s3access
SELECT
  s3_bucket AS bucket,
  source_ip,
  s3_operation AS operation,
  http_status,
  COUNT(*) AS requests,
  COUNT(DISTINCT s3_key) AS object_keys,
  SUM(bytes_out) AS bytes,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM s3access
WHERE s3_requester IS NULL
GROUP BY s3_bucket, source_ip, s3_operation, http_status
ORDER BY requests DESC, bucket, source_ip, operation, http_status
LIMIT 100
