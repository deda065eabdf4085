-- Which clients were refused on many different paths, as one who guesses?
-- tables: alb
SELECT
  source_ip,
  COUNT(DISTINCT url_path) AS refused_paths,
  COUNT(*) AS refused_requests,
  COUNT(DISTINCT user_agent) AS user_agents,
  MIN(event_time) AS first_seen,
  MAX(event_time) AS last_seen
FROM alb
WHERE http_status BETWEEN 400 AND 499
GROUP BY source_ip
HAVING COUNT(DISTINCT url_path) >= 5
ORDER BY refused_paths DESC, refused_requests DESC, source_ip
LIMIT 100
