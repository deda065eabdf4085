-- To whom was full access given by policy or group?
-- tables: cloudtrail
SELECT
  event_time,
  user_arn AS given_by,
  source_ip,
  event_action,
  target AS given_to,
  event_outcome,
  ct_request_parameters AS request,
  event_id
FROM cloudtrail
WHERE event_action IN (
    'AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy', 'PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy',
    'AddUserToGroup', 'CreatePolicyVersion', 'CreateAccountAssignment')
  AND ct_request_parameters ~* 'administrator|poweruser|iamfullaccess|"action\\+":\s*(\[)?\s*\\+"\*'
  AND (ct_request_parameters NOT LIKE '%policyDocument%' OR ct_request_parameters ~* 'allow')
  AND event_outcome IS NOT NULL
ORDER BY event_time, event_id
LIMIT 1000
