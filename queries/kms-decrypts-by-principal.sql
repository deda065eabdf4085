-- Who decrypted with which KMS keys, how often and from where?
-- tables: cloudtrail
SELECT
  COALESCE(user_arn, ct_user_identity_principal_id) AS actor,
  source_ip,
  event_action,
  target AS kms_key,
  COUNT(*) AS calls,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE resource = 'kms.amazonaws.com' AND event_action ~ '^(Decrypt|ReEncrypt|GenerateDataKey)'
GROUP BY COALESCE(user_arn, ct_user_identity_principal_id), source_ip, event_action, target
ORDER BY calls DESC, actor, event_action, kms_key, source_ip
LIMIT 100
