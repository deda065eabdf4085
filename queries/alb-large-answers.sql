-- Which answers were five times as large as what the same path usually gives?
-- tables: alb
SELECT
  a.event_time AS event_time,
  a.source_ip AS source_ip,
  a.http_method AS http_method,
  a.url_path AS url_path,
  a.http_status AS http_status,
  a.bytes_out AS bytes_out,
  CAST(FLOOR(p.usual) AS BIGINT) AS usual_bytes,
  a.event_id AS event_id
FROM alb AS a
JOIN (
  SELECT url_path AS path, http_status AS status, MEDIAN(bytes_out) AS usual
  FROM alb
  GROUP BY url_path, http_status
  HAVING COUNT(*) >= 10
) AS p ON a.url_path = p.path AND a.http_status = p.status
WHERE a.bytes_out > 5 * p.usual AND a.bytes_out > 10000
ORDER BY bytes_out DESC, event_time, event_id
LIMIT 100
