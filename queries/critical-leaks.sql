-- Which leaked secrets are the worst, how often were they logged, and what should be done?
-- tables: findings
SELECT
  severity,
  rule_name,
  provider,
  mask,
  count AS occurrences,
  first_seen,
  last_seen,
  places,
  remediation,
  fingerprint
FROM findings
WHERE severity IN ('critical', 'high')
ORDER BY severity, occurrences DESC, first_seen, fingerprint
LIMIT 1000
