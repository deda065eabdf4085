-- Which requests carry a metadata address, a file or a foreign URL, as in server-side request forgery?
-- tables: alb
SELECT
  event_time,
  source_ip,
  http_method,
  http_status,
  bytes_out,
  alb_request_url AS url,
  trace_id,
  event_id
FROM alb
WHERE alb_request_url ~*
    '169\.254\.|fd00:ec2|meta-?data|proc(/|%2f)self|file(:|%3a)|(gopher|dict|ldap)(:|%3a)|[?&][^=]*=http'
ORDER BY event_time, event_id
LIMIT 1000
