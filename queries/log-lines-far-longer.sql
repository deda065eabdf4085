-- Which log lines are ten times as long as their log group's usual ones, as dumps and fetched files are?
-- tables: cloudwatch
SELECT
  c.event_time AS event_time,
  c.resource AS log_group,
  LENGTH(c.raw) AS characters,
  CAST(FLOOR(g.usual) AS BIGINT) AS usual_characters,
  c.cw_level AS level,
  c.request_id AS request_id,
  c.event_id AS event_id
FROM cloudwatch AS c
JOIN (
  SELECT resource AS group_name, MEDIAN(LENGTH(raw)) AS usual
  FROM cloudwatch
  GROUP BY resource
) AS g ON c.resource = g.group_name
WHERE LENGTH(c.raw) > 10 * g.usual
ORDER BY characters DESC, event_time, event_id
LIMIT 100
