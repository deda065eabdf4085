-- What did GuardDuty find, how severe is it, and what does it name?
-- tables: guardduty
SELECT
  event_action AS finding_type,
  MAX(gd_severity) AS severity,
  resource,
  source_ip,
  user_name,
  access_key_id,
  MAX(gd_count) AS occurrences,
  MIN(gd_event_first_seen) AS first_seen,
  MAX(gd_event_last_seen) AS last_seen
FROM guardduty
GROUP BY event_action, resource, source_ip, user_name, access_key_id
ORDER BY severity DESC NULLS LAST, finding_type, resource, source_ip, user_name, access_key_id
LIMIT 100
