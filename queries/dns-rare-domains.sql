-- Which domains were asked for by only one host and only a few times?
-- tables: route53_resolver
SELECT
  r53r_query_name AS domain,
  COUNT(*) AS queries,
  MIN(source_ip) AS asked_by,
  MIN(r53r_srcids_instance) AS instance,
  STRING_AGG(DISTINCT r53r_query_type, ', ' ORDER BY r53r_query_type) AS query_types,
  STRING_AGG(DISTINCT r53r_rcode, ', ' ORDER BY r53r_rcode) AS answers,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM route53_resolver
GROUP BY r53r_query_name
HAVING COUNT(DISTINCT source_ip) = 1 AND COUNT(*) <= 3
ORDER BY queries, first_seen, domain
LIMIT 100
