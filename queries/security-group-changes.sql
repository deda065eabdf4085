-- Who changed security groups, network ACLs or routes, and did it open them to everybody?
-- tables: cloudtrail
SELECT
  event_time,
  user_arn,
  source_ip,
  event_action,
  target,
  event_outcome,
  ct_request_parameters LIKE '%0.0.0.0/0%' OR ct_request_parameters LIKE '%"::/0"%' AS open_to_all,
  ct_request_parameters AS request,
  event_id
FROM cloudtrail
WHERE event_action ~ '^(Authorize|Revoke|Modify)SecurityGroup'
  OR event_action IN (
    'CreateSecurityGroup', 'DeleteSecurityGroup', 'CreateNetworkAclEntry', 'ReplaceNetworkAclEntry',
    'DeleteNetworkAclEntry', 'CreateRoute', 'ReplaceRoute', 'DeleteRoute', 'CreateInternetGateway',
    'AttachInternetGateway', 'CreateVpcPeeringConnection', 'AcceptVpcPeeringConnection')
ORDER BY event_time, event_id
LIMIT 1000
