-- Who switched logs off, cut or deleted them, or switched them on again?
-- tables: cloudtrail
SELECT
  event_time,
  COALESCE(user_arn, user_name) AS actor,
  source_ip,
  resource AS service,
  event_action,
  target,
  event_outcome,
  error_code,
  event_id
FROM cloudtrail
WHERE event_action IN (
  'StopLogging', 'StartLogging', 'DeleteTrail', 'UpdateTrail', 'CreateTrail', 'PutEventSelectors',
  'PutInsightSelectors', 'DeleteEventDataStore', 'StopEventDataStoreIngestion', 'DeleteLogGroup', 'DeleteLogStream',
  'PutRetentionPolicy', 'DeleteRetentionPolicy', 'DeleteFlowLogs', 'StopConfigurationRecorder',
  'StartConfigurationRecorder', 'DeleteConfigurationRecorder', 'DeleteDeliveryChannel', 'DeleteDetector',
  'UpdateDetector', 'CreateFilter', 'DisableSecurityHub', 'DeleteResolverQueryLogConfig',
  'DisassociateResolverQueryLogConfig', 'DeleteLoggingConfiguration', 'DeleteWebACL', 'DeleteAlarms',
  'DisableAlarmActions')
ORDER BY event_time, event_id
LIMIT 1000
