-- Which API keys and identities called which APIs, from how many addresses?
-- tables: apigateway
SELECT
  COALESCE(apigw_api_key_id, apigw_identity_account_id, user_arn, user_name) AS identity,
  resource AS api,
  apigw_stage AS stage,
  COUNT(*) AS requests,
  COUNT(DISTINCT source_ip) AS addresses,
  COUNT(DISTINCT url_path) AS paths,
  SUM(CASE WHEN http_status >= 400 THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM apigateway
WHERE COALESCE(apigw_api_key_id, apigw_identity_account_id, user_arn, user_name) IS NOT NULL
GROUP BY COALESCE(apigw_api_key_id, apigw_identity_account_id, user_arn, user_name), resource, apigw_stage
ORDER BY requests DESC, identity, api, stage
LIMIT 100
