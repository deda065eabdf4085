-- Who started EC2 instances, or tried to, in which regions?
-- tables: cloudtrail
SELECT
  event_time,
  user_arn,
  source_ip,
  region,
  event_action,
  SPLIT_PART(SPLIT_PART(ct_request_parameters, '"instanceType":"', 2), '"', 1) AS instance_type,
  event_outcome,
  error_code,
  event_id
FROM cloudtrail
WHERE event_action IN ('RunInstances', 'StartInstances', 'RequestSpotInstances', 'CreateFleet', 'RequestSpotFleet')
ORDER BY event_time, event_id
LIMIT 1000
