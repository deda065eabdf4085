-- Which principals of other accounts called into these accounts, and what did they ask for?
-- tables: cloudtrail
SELECT
  ct_user_identity_account_id AS caller_account,
  account_id AS called_account,
  COALESCE(user_arn, ct_user_identity_principal_id) AS actor,
  resource AS service,
  event_action,
  target,
  COUNT(*) AS calls,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM cloudtrail
WHERE ct_user_identity_account_id <> account_id
GROUP BY
  ct_user_identity_account_id, account_id, COALESCE(user_arn, ct_user_identity_principal_id),
  resource, event_action, target
ORDER BY calls DESC, caller_account, called_account, actor, service, event_action, target
LIMIT 100
