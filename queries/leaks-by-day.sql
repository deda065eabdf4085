-- On which days were how many secrets and personal data logged?
-- tables: occurrences
SELECT
  STRFTIME(event_time, '%Y-%m-%d') AS day,
  category,
  COUNT(*) AS occurrences,
  COUNT(DISTINCT fingerprint) AS distinct_values,
  COUNT(DISTINCT event_id) AS events
FROM occurrences
GROUP BY STRFTIME(event_time, '%Y-%m-%d'), category
ORDER BY day, category
LIMIT 1000
