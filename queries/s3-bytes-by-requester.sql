-- Who took how many bytes out of which buckets, as the server access logs tell?
-- tables: s3access
SELECT
  s3_requester AS requester,
  s3_bucket AS bucket,
  source_ip,
  COUNT(*) AS requests,
  COUNT(DISTINCT s3_key) AS object_keys,
  SUM(bytes_out) AS bytes,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM s3access
GROUP BY s3_requester, s3_bucket, source_ip
ORDER BY bytes DESC NULLS LAST, requester, bucket, source_ip
LIMIT 100
