-- Which addresses stand behind detections, of which kinds, and since when?
-- tables: detections
SELECT
  source_ip,
  COUNT(*) AS detections,
  STRING_AGG(DISTINCT detector, ', ' ORDER BY detector) AS detectors,
  STRING_AGG(DISTINCT actor, ', ' ORDER BY actor) AS actors,
  SUM(events) AS events_sum,
  MIN(first_seen) AS first_detected,
  MAX(last_seen) AS last_detected
FROM detections
WHERE source_ip IS NOT NULL
GROUP BY source_ip
ORDER BY detections DESC, first_detected, source_ip
LIMIT 100
