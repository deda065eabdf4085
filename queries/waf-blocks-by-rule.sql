-- Which WAF rules stopped how many requests of how many clients?
-- tables: waf
SELECT
  resource AS web_acl,
  waf_terminating_rule_id AS rule,
  event_action,
  COUNT(*) AS requests,
  COUNT(DISTINCT source_ip) AS clients,
  COUNT(DISTINCT url_path) AS paths,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM waf
WHERE event_action <> 'ALLOW'
GROUP BY resource, waf_terminating_rule_id, event_action
ORDER BY requests DESC, web_acl, rule, event_action
LIMIT 100
