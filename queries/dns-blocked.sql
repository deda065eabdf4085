-- Which DNS queries did the DNS firewall block or report, and who asked?
-- tables: route53_resolver
SELECT
  event_time,
  r53r_firewall_rule_action AS action,
  r53r_query_name AS domain,
  r53r_query_type AS query_type,
  r53r_rcode AS answer,
  source_ip,
  r53r_srcids_instance AS instance,
  resource AS vpc,
  event_id
FROM route53_resolver
WHERE r53r_firewall_rule_action IS NOT NULL
ORDER BY event_time, event_id
LIMIT 1000
