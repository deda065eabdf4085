-- Which requests took their target longest?
-- tables: alb
SELECT
  event_time,
  source_ip,
  http_method,
  url_path,
  http_status,
  alb_target_processing_time AS seconds,
  bytes_out,
  trace_id,
  event_id
FROM alb
WHERE alb_target_processing_time >= 1
ORDER BY seconds DESC, event_time, event_id
LIMIT 100
