-- Who changed policies, ACLs or public access blocks of buckets?
-- tables: cloudtrail
SELECT
  event_time,
  user_arn,
  source_ip,
  event_action,
  target AS bucket,
  event_outcome,
  ct_request_parameters AS request,
  event_id
FROM cloudtrail
WHERE event_action IN (
  'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutObjectAcl', 'PutBucketPublicAccessBlock',
  'DeleteBucketPublicAccessBlock', 'PutAccountPublicAccessBlock', 'DeleteAccountPublicAccessBlock', 'PutBucketWebsite',
  'PutBucketCors', 'PutBucketReplication', 'PutBucketLifecycle', 'PutBucketVersioning', 'DeleteBucketEncryption',
  'PutAccessPointPolicy')
ORDER BY event_time, event_id
LIMIT 1000
