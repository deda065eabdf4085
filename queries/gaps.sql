-- Between which two events does a log have nothing for an hour or longer?
-- tables: events
SELECT
  t.source_table AS source_table,
  t.gap_begin AS gap_begin,
  t.gap_end AS gap_end,
  CAST(FLOOR((EXTRACT(epoch FROM t.gap_end) - EXTRACT(epoch FROM t.gap_begin)) / 60) AS BIGINT) AS minutes
FROM (
  SELECT
    source_table,
    LAG(event_time) OVER (PARTITION BY source_table ORDER BY event_time) AS gap_begin,
    event_time AS gap_end
  FROM events
  WHERE event_time IS NOT NULL
) AS t
WHERE EXTRACT(epoch FROM t.gap_end) - EXTRACT(epoch FROM t.gap_begin) >= 3600
ORDER BY minutes DESC, gap_begin, source_table
LIMIT 100
