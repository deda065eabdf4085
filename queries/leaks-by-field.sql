-- In which fields of the logs do secrets and personal data stand, and behind which encodings?
-- tables: occurrences
SELECT
  context,
  decode_path,
  rule,
  COUNT(*) AS occurrences,
  COUNT(DISTINCT fingerprint) AS distinct_values,
  MIN(resource) AS one_place
FROM occurrences
GROUP BY context, decode_path, rule
ORDER BY occurrences DESC, context, decode_path, rule
LIMIT 100
