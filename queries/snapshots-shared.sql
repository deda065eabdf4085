-- Who shared or copied snapshots, images or database copies?
-- tables: cloudtrail
SELECT
  event_time,
  user_arn,
  source_ip,
  event_action,
  target,
  event_outcome,
  ct_request_parameters AS request,
  event_id
FROM cloudtrail
WHERE event_action IN (
  'ModifySnapshotAttribute', 'ModifyImageAttribute', 'ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute',
  'CreateSnapshot', 'CopySnapshot', 'CopyImage', 'CreateDBSnapshot', 'CopyDBSnapshot', 'StartExportTask',
  'CreateInstanceExportTask', 'GetSnapshotBlock', 'ListSnapshotBlocks')
ORDER BY event_time, event_id
LIMIT 1000
