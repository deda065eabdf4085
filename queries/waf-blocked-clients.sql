-- Which clients did WAF stop, from which countries, and what else of theirs went through?
-- tables: waf
SELECT
  source_ip,
  waf_http_request_country AS country,
  SUM(CASE WHEN event_action = 'ALLOW' THEN 0 ELSE 1 END) AS stopped,
  SUM(CASE WHEN event_action = 'ALLOW' THEN 1 ELSE 0 END) AS allowed,
  STRING_AGG(DISTINCT waf_terminating_rule_id, ', ' ORDER BY waf_terminating_rule_id) AS rules,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM waf
GROUP BY source_ip, waf_http_request_country
HAVING SUM(CASE WHEN event_action = 'ALLOW' THEN 0 ELSE 1 END) > 0
ORDER BY stopped DESC, source_ip, country
LIMIT 100
