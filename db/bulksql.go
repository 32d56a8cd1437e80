package db

// The tables of Load's own: the webhooks that take turns, and the deliveries of a chunk. An id is told apart from those
// of the same millisecond by its row, and from others of the row by what is added to it: 0 is the event, 1 the delivery,
// 2 to 4 its attempts.
const (
	bulkTables = `
CREATE TEMP TABLE bulk_webhooks (place INTEGER PRIMARY KEY, id, consumer, type, verb, url, version, error_action);
CREATE TEMP TABLE bulk_number (number INTEGER PRIMARY KEY);
INSERT INTO bulk_number VALUES (1), (2), (3);
CREATE TEMP TABLE bulk (row INTEGER PRIMARY KEY, accepted, low, place, state, attempts, due)`

	bulkWebhooks = `INSERT INTO temp.bulk_webhooks
SELECT j.key, w.id, w.consumer, json_extract(w.events, '$[0]'), w.verb, w.url, w.version, w.error_action
FROM json_each(:webhooks) j CROSS JOIN webhooks w ON w.id = j.value`

	bulkRows = `INSERT INTO temp.bulk
WITH RECURSIVE n (row) AS (SELECT :from UNION ALL SELECT row + 1 FROM n WHERE row + 1 < :to),
	rows AS (SELECT row, CASE :state WHEN '' THEN (row / :hooks + row % :hooks * 37) % 100 WHEN 'retrying' THEN 200 ELSE 300 END AS kind FROM n)
SELECT row, :since + row * (:until - :since) / :rows, row % 65536 * 8, row % :hooks,
	CASE kind WHEN 0 THEN 'cancelled' WHEN 1 THEN 'failed' WHEN 2 THEN 'failed' WHEN 200 THEN 'retrying' WHEN 300 THEN 'scheduled' ELSE 'delivered' END,
	CASE WHEN kind IN (0, 300) THEN 0 WHEN kind IN (1, 2) THEN 3 WHEN kind IN (3, 4, 5) THEN 2 ELSE 1 END,
	:due + row * (:last_due - :due) / :rows
FROM rows`

	bulkEvents = `INSERT INTO events (id, scope, type, consumer, subject, occurred_at, accepted_at, trace_parent, source, source_ip, test, data)
SELECT (b.accepted - :epoch) << 20 | b.low, 0, w.type, w.consumer, 1000000000 + :first + b.row, b.accepted, b.accepted, '',
	'API key bench', '127.0.0.1', 0, CAST(:head || (1000000000 + :first + b.row) || :middle ||
	printf('%012d.%019d', :first + b.row, coalesce(b.due, b.accepted) * 1000000) || :tail AS BLOB)
FROM temp.bulk b CROSS JOIN temp.bulk_webhooks w ON w.place = b.place`

	// An attempt takes 12 ms, and the next one follows after a minute.
	bulkDeliveries = `INSERT INTO deliveries (id, event, consumer, webhook, state, blocking, test, trigger, claim, attempts, due_at, finished_at,
	reason, last_class, last_status, error_action, created_at)
SELECT (b.accepted - :epoch) << 20 | b.low | 1, (b.accepted - :epoch) << 20 | b.low, w.consumer, w.id, b.state, 0, 0, 'automatic',
	b.attempts, b.attempts, b.due,
	CASE WHEN b.due IS NULL THEN b.accepted + 12 + max(0, b.attempts - 1) * 60000 END,
	CASE b.state WHEN 'cancelled' THEN 'The webhook was disabled.' ELSE '' END,
	CASE b.state WHEN 'failed' THEN 'status' WHEN 'retrying' THEN 'refused' ELSE '' END,
	CASE b.state WHEN 'failed' THEN 503 WHEN 'delivered' THEN 200 END,
	CASE b.state WHEN 'failed' THEN w.error_action END, b.accepted
FROM temp.bulk b CROSS JOIN temp.bulk_webhooks w ON w.place = b.place`

	// bulkAttempt is an attempt of a chunk, with the time at which it was recorded.
	bulkAttempt = `(SELECT b.*, w.id AS webhook, w.type, w.verb, w.url, w.version, n.number, b.accepted + (n.number - 1) * 60000 AS started,
	b.accepted + (n.number - 1) * 60000 + 12 AS recorded,
	CASE WHEN n.number < b.attempts OR b.state = 'retrying' THEN 'retry' WHEN b.state = 'failed' THEN 'give_up' ELSE 'delivered' END AS outcome,
	CASE WHEN b.state = 'retrying' THEN NULL WHEN n.number < b.attempts OR b.state = 'failed' THEN 503 ELSE 200 END AS status,
	CASE WHEN b.state = 'retrying' THEN 'refused' WHEN n.number < b.attempts OR b.state = 'failed' THEN 'status' ELSE '' END AS class
FROM temp.bulk b CROSS JOIN temp.bulk_number n ON n.number <= b.attempts CROSS JOIN temp.bulk_webhooks w ON w.place = b.place)`

	bulkAttempts = `INSERT INTO attempts (id, delivery, number, trigger, started_at, webhook_version, verb, url, request_headers, event_body,
	proto, status, answer_headers, answer_body, truncated, outcome, class, error, retry_at,
	dns_us, connect_us, tls_us, wait_us, body_us, total_us, reused, remote_addr)
SELECT (recorded - :epoch) << 20 | low | (1 + number), (accepted - :epoch) << 20 | low | 1, number, 'automatic', started, version, verb, url,
	'Host: hooks.example.com' || char(10) || 'User-Agent: Labhook/1.0.0' || char(10) || 'Content-Length: 700' || char(10) ||
	'Content-Type: application/json' || char(10) || 'Labhook-Attempt: ' || number || char(10) || 'Labhook-Event: ' || type || char(10) ||
	'Labhook-Event-Id: evt_0000000000000' || char(10) || 'Webhook-Id: dlv_0000000000000' || char(10) ||
	'Webhook-Signature: v1,' || printf('%.44c', 'A') || char(10) || 'Webhook-Timestamp: ' || (started / 1000), 1,
	iif(status, 'HTTP/1.1', NULL), status, iif(status, 'Content-Length: 0' || char(10) || 'Date: Thu, 01 Jan 2026 00:00:00 GMT', NULL),
	iif(status, x'', NULL), 0, outcome, class, CASE class WHEN 'status' THEN 'status 503' WHEN 'refused' THEN 'connection refused' ELSE '' END,
	CASE outcome WHEN 'retry' THEN coalesce(due, started + 60000) END,
	0, 0, 0, 11000, 100, 12000, 1, '127.0.0.1:50443'
FROM ` + bulkAttempt

	// The columns beside max() are those of the latest attempt.
	bulkHours = `INSERT INTO hourly (hour, webhook, delivered, failed, attempts, last_at, last_status, last_class)
SELECT recorded / 3600000 * 3600000 AS hour, webhook, sum(outcome = 'delivered'), sum(outcome = 'give_up'), count(*), max(recorded), status, class
FROM ` + bulkAttempt + ` WHERE true GROUP BY 1, 2
ON CONFLICT (hour, webhook) DO UPDATE SET delivered = delivered + excluded.delivered, failed = failed + excluded.failed,
	attempts = attempts + excluded.attempts,
	last_status = CASE WHEN excluded.last_at >= last_at THEN excluded.last_status ELSE last_status END,
	last_class = CASE WHEN excluded.last_at >= last_at THEN excluded.last_class ELSE last_class END,
	last_at = max(last_at, excluded.last_at)`
)
