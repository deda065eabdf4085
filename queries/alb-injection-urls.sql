-- Which requests look like SQL injection, path traversal, script or template injection?
-- tables: alb
SELECT
  event_time,
  source_ip,
  http_method,
  http_status,
  bytes_out,
  alb_request_url AS url,
  user_agent,
  event_id
FROM alb
WHERE alb_request_url ~*
    'union(%20|\+|\s)+(all(%20|\+|\s)+)?select|(%27|'')(%20|\+|\s)*(or|and)|sleep(\(|%28|%20)|\.\.(/|%2f)|%2e%2e'
  OR alb_request_url ~* 'etc/passwd|(<|%3c)script|jndi|(\$|%24)(\{|%7b)|(\{|%7b)(\{|%7b)|%00|xp_cmdshell'
ORDER BY event_time, event_id
LIMIT 1000
