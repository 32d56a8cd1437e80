package dbtest

// troubles are the statements that make a busy server's database of one in which nearly everything went well. They
// choose by n, the place of a delivery.
//
// The named arguments are now, far: a time in weeks, rare: the rare event type, lab: how many events a lab instance
// has, and audit: how many entries the audit log gets.
var troubles = []string{
	`CREATE TEMP TABLE place (n INTEGER PRIMARY KEY, delivery, event, state, attempts)`,
	`INSERT INTO place (delivery, event, state, attempts) SELECT id, event, state, attempts FROM deliveries ORDER BY id`,
	`CREATE TEMP TABLE chosen (delivery INTEGER PRIMARY KEY, event, n)`,

	// Lab instances have several events each.
	`UPDATE events SET subject = 1000000000 + (subject - 1000000000) / :lab * :lab`,

	// One in twelve was delivered with the fourth attempt.
	`INSERT INTO chosen SELECT delivery, event, n FROM place WHERE state = 'delivered' AND attempts = 1 AND n % 12 = 0`,
	`INSERT INTO attempts (id, delivery, number, trigger, started_at, webhook_version, verb, url, request_headers, event_body, proto, status,
		answer_headers, answer_body, truncated, outcome, class, error, dns_us, connect_us, tls_us, wait_us, body_us, total_us, reused, remote_addr)
	SELECT a.id + m.value, a.delivery, 1 + m.value, a.trigger, a.started_at + 60000 * m.value, webhook_version, verb, url, request_headers, event_body, proto, status,
		answer_headers, answer_body, truncated, outcome, class, error, dns_us, connect_us, tls_us, wait_us, body_us, total_us, reused, remote_addr
	FROM chosen AS c CROSS JOIN attempts AS a ON a.delivery = c.delivery AND a.number = 1 CROSS JOIN json_each('[1,2,3]') AS m`,
	`UPDATE attempts SET outcome = 'retry', class = 'status', status = 503, error = 'status 503', retry_at = started_at + 60000
	WHERE number < 4 AND delivery IN (SELECT delivery FROM chosen)`,
	`UPDATE deliveries SET attempts = 4 WHERE id IN (SELECT delivery FROM chosen)`,

	// Those that failed did so in every way, some of them rare.
	`DELETE FROM chosen`,
	`INSERT INTO chosen SELECT delivery, event, row_number() OVER (ORDER BY n) FROM place WHERE state = 'failed'`,
	`UPDATE deliveries SET last_class = CASE WHEN c.n % 1000 = 0 THEN 'tls' WHEN c.n % 1000 = 1 THEN 'dns' WHEN c.n % 3 = 0 THEN 'timeout' WHEN c.n % 7 = 0 THEN 'refused' ELSE 'status' END,
		last_status = CASE WHEN c.n % 1000 < 2 OR c.n % 3 = 0 OR c.n % 7 = 0 THEN NULL WHEN c.n % 1000 = 2 THEN 418 WHEN c.n % 5 = 0 THEN 404 WHEN c.n % 11 = 0 THEN 500 ELSE 503 END
	FROM chosen AS c WHERE deliveries.id = c.delivery`,
	`UPDATE attempts SET class = d.last_class, status = d.last_status, error = d.last_class,
		proto = iif(d.last_status, proto, NULL), answer_headers = iif(d.last_status, answer_headers, NULL), answer_body = iif(d.last_status, answer_body, NULL)
	FROM chosen AS c CROSS JOIN deliveries AS d ON d.id = c.delivery WHERE attempts.delivery = c.delivery AND attempts.number = 3`,

	// Some answers are rare although all went well.
	`UPDATE deliveries SET last_status = 202 WHERE id IN (SELECT delivery FROM place WHERE state = 'delivered' AND n % 9973 = 0)`,

	// A type that nothing listens to now.
	`UPDATE events SET type = :rare WHERE id IN (SELECT event FROM place WHERE n % 9973 = 1)`,

	// Tests.
	`UPDATE deliveries SET test = 1, trigger = 'test' WHERE id IN (SELECT delivery FROM place WHERE state = 'delivered' AND n % 1999 = 2)`,
	`UPDATE events SET test = 1 WHERE id IN (SELECT event FROM deliveries INDEXED BY deliveries_tests WHERE test = 1)`,

	// What waits: for another attempt, for its time, and behind gates.
	`DELETE FROM chosen`,
	`INSERT INTO chosen SELECT delivery, event, n FROM place
	WHERE state = 'delivered' AND attempts = 1 AND n % 12 <> 0 AND n % 1999 <> 2 AND n > (SELECT max(n) * 19 / 20 FROM place)
		AND (n % 10 IN (1, 2, 3) OR (n - 1) / :lab % 40 = 3)`,
	`DELETE FROM attempts WHERE delivery IN (SELECT delivery FROM chosen WHERE n % 10 <> 1 OR (n - 1) / :lab % 40 = 3)`,
	`INSERT INTO lanes (consumer, subject) SELECT DISTINCT d.consumer, e.subject
	FROM chosen AS c CROSS JOIN deliveries AS d ON d.id = c.delivery CROSS JOIN events AS e ON e.id = c.event WHERE (c.n - 1) / :lab % 40 = 3`,
	`UPDATE deliveries SET state = 'held', lane = l.id, finished_at = NULL, attempts = 0, last_status = NULL
	FROM chosen AS c CROSS JOIN events AS e ON e.id = c.event CROSS JOIN lanes AS l ON l.subject = e.subject
	WHERE (c.n - 1) / :lab % 40 = 3 AND deliveries.id = c.delivery AND l.consumer = deliveries.consumer`,
	`INSERT INTO gates (delivery, lane, webhook, closed_at, opens_by, opened_by, reason, released)
	SELECT min(id), lane, webhook, created_at, :far, '', '', 0 FROM deliveries INDEXED BY deliveries_held WHERE state = 'held' AND lane IS NOT NULL GROUP BY lane`,
	`UPDATE deliveries SET state = 'retrying', blocking = 1, due_at = :far, attempts = 1, last_class = 'timeout' WHERE id IN (SELECT delivery FROM gates)`,
	`DELETE FROM chosen WHERE (n - 1) / :lab % 40 = 3`,
	`UPDATE attempts SET outcome = 'retry', class = 'status', status = 503, error = 'status 503', retry_at = :far WHERE delivery IN (SELECT delivery FROM chosen WHERE n % 10 = 1)`,
	`UPDATE deliveries SET state = 'retrying', finished_at = NULL, due_at = :far, last_class = 'status', last_status = 503
	WHERE id IN (SELECT delivery FROM chosen WHERE n % 10 = 1)`,
	`UPDATE deliveries SET state = 'scheduled', finished_at = NULL, due_at = :far, attempts = 0, last_status = NULL
	WHERE id IN (SELECT delivery FROM chosen WHERE n % 10 = 2)`,

	// Others were cancelled as never attempted.
	`UPDATE deliveries SET state = 'cancelled', finished_at = :now, attempts = 0, last_status = NULL, reason = 'Cancelled by test.'
	WHERE id IN (SELECT delivery FROM chosen WHERE n % 10 = 3)`,

	// Webhooks that fail now.
	`INSERT INTO streaks (webhook, since, attempts, deliveries, delivery, given_up, told, spell)
	SELECT id, :now - 3600000, 12, 3, 1, 2, 0, 0 FROM webhooks WHERE id IN (SELECT id FROM webhooks ORDER BY id LIMIT 30)`,

	`INSERT INTO audit (at, actor, ip, action, object, detail)
	WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :audit)
	SELECT :now - (:audit - n) * 1000, iif(n % 999 = 0, 'Ada Byron', 'Dana Ortiz'), '192.0.2.17', iif(n % 997 = 0, 'webhook.delete', 'webhook.update'), 'wh_' || (n % 2000), 'name: changed' FROM n`,
}
