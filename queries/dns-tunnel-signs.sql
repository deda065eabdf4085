-- Which hosts ask for many names, long names or TXT records below one domain, as a DNS tunnel does?
-- tables: route53_resolver
SELECT
  source_ip,
  SPLIT_PART(r53r_query_name, '.', -3) || '.' || SPLIT_PART(r53r_query_name, '.', -2) AS parent_domain,
  COUNT(*) AS queries,
  COUNT(DISTINCT r53r_query_name) AS names,
  MAX(LENGTH(r53r_query_name)) AS longest_name,
  SUM(CASE WHEN r53r_query_type IN ('TXT', 'NULL', 'CNAME') THEN 1 ELSE 0 END) AS carrier_queries,
  SUM(CASE WHEN r53r_rcode = 'NXDOMAIN' THEN 1 ELSE 0 END) AS not_found,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM route53_resolver
GROUP BY source_ip, SPLIT_PART(r53r_query_name, '.', -3) || '.' || SPLIT_PART(r53r_query_name, '.', -2)
ORDER BY names DESC, longest_name DESC, queries DESC, source_ip, parent_domain
LIMIT 100
