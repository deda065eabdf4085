-- What did the detectors find, the worst first?
-- tables: detections
SELECT
  severity,
  detector,
  title,
  technique,
  first_seen,
  last_seen,
  events,
  source_table,
  actor,
  source_ip,
  target,
  outcome,
  event_id
FROM detections
ORDER BY
  CASE severity WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4 ELSE 5 END,
  first_seen, detector, event_id, source_ip, target
LIMIT 1000
