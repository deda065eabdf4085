-- Who read how many objects and bytes out of which buckets, as CloudTrail's data events tell?
-- tables: cloudtrail
SELECT
  COALESCE(user_arn, ct_user_identity_principal_id) AS actor,
  source_ip,
  SPLIT_PART(target, '/', 3) AS bucket,
  COUNT(*) AS reads,
  COUNT(DISTINCT target) AS objects,
  SUM(bytes_out) AS bytes,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE resource = 's3.amazonaws.com' AND event_action = 'GetObject' AND event_outcome = 'success'
GROUP BY COALESCE(user_arn, ct_user_identity_principal_id), source_ip, SPLIT_PART(target, '/', 3)
ORDER BY bytes DESC NULLS LAST, reads DESC, actor, bucket, source_ip
LIMIT 100
