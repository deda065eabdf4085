-- Which clients call themselves scanners or scripts, in any log with a user agent?
-- tables: events
SELECT
  source_table,
  source_ip,
  user_agent,
  COUNT(event_id) AS requests,
  SUM(CASE WHEN event_outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM events
WHERE user_agent ~* 'sqlmap|nikto|nmap|nuclei|masscan|zgrab|gobuster|dirbuster|ffuf|feroxbuster|wpscan|burp|nessus'
  OR user_agent ~* 'openvas|acunetix|hydra|metasploit|pacu|kali|python-|go-http-client|libwww|curl/|wget/'
GROUP BY source_table, source_ip, user_agent
ORDER BY requests DESC, source_table, source_ip, user_agent
LIMIT 100
