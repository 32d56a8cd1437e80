-- Times are milliseconds since 1970, durations seconds unless the name says otherwise. An index on a table with an
-- INTEGER PRIMARY KEY ends with that key by itself: "(webhook)" is ordered by webhook, then id.

CREATE TABLE consumers (
  id                         INTEGER PRIMARY KEY CHECK (id > 0),
  name                       TEXT NOT NULL CHECK (name <> ''),
  external_id                TEXT CHECK (external_id <> ''),
  description                TEXT NOT NULL,
  default_organization       TEXT NOT NULL,
  consuming_platform         TEXT NOT NULL,
  consuming_platform_version TEXT NOT NULL,
  technical_contact          TEXT NOT NULL,
  enabled                    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  expires_at                 INTEGER,
  one_send_per_url           INTEGER NOT NULL CHECK (one_send_per_url IN (0, 1)),
  created_at                 INTEGER NOT NULL,
  created_by                 TEXT NOT NULL,
  updated_at                 INTEGER NOT NULL,
  updated_by                 TEXT NOT NULL,
  deleted_at                 INTEGER -- kept for its deliveries and events
) STRICT;
CREATE UNIQUE INDEX consumers_external_id ON consumers (external_id) WHERE external_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE api_keys (
  id           INTEGER PRIMARY KEY CHECK (id > 0),
  consumer     INTEGER REFERENCES consumers (id), -- NULL: a platform key
  description  TEXT NOT NULL CHECK (description <> ''),
  scope        TEXT NOT NULL CHECK (scope IN ('read', 'send', 'manage')),
  prefix       TEXT NOT NULL,
  hash         TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
  enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  expires_at   INTEGER,
  created_at   INTEGER NOT NULL,
  created_by   TEXT NOT NULL,
  last_used_at INTEGER,
  last_used_ip TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX api_keys_consumer ON api_keys (consumer);

-- Requests with an Idempotency-Key, and what was answered.
CREATE TABLE idempotency (
  id         INTEGER PRIMARY KEY,
  api_key    INTEGER NOT NULL REFERENCES api_keys (id),
  name       TEXT NOT NULL CHECK (name <> ''),
  request    BLOB NOT NULL CHECK (length(request) = 32),
  status     INTEGER CHECK (status BETWEEN 100 AND 999), -- NULL: not answered yet
  answer     BLOB, -- sealed; NULL: none was kept
  created_at INTEGER NOT NULL,
  UNIQUE (api_key, name),
  CHECK (status IS NOT NULL OR answer IS NULL)
) STRICT;
CREATE INDEX idempotency_api_key ON idempotency (api_key);
CREATE INDEX idempotency_created_at ON idempotency (created_at);

CREATE TABLE webhooks (
  id                INTEGER PRIMARY KEY CHECK (id > 0),
  consumer          INTEGER NOT NULL REFERENCES consumers (id),
  name              TEXT NOT NULL CHECK (name <> ''),
  events            TEXT NOT NULL CHECK (json_array_length(events) > 0),
  verb              TEXT NOT NULL CHECK (verb IN ('POST', 'PUT', 'PATCH', 'GET', 'DELETE')),
  url               TEXT NOT NULL CHECK (url <> ''),
  headers           TEXT NOT NULL CHECK (json_type(headers) = 'array'), -- sensitive values sealed
  send_lab_details  INTEGER NOT NULL CHECK (send_lab_details IN (0, 1)),
  content           TEXT NOT NULL,
  enabled           INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  blocking          INTEGER NOT NULL CHECK (blocking IN (0, 1)),
  delay             INTEGER NOT NULL CHECK (delay BETWEEN 0 AND 86400),
  timeout           INTEGER NOT NULL CHECK (timeout BETWEEN 1 AND 300),
  retries           INTEGER NOT NULL CHECK (retries BETWEEN 0 AND 60),
  error_action      TEXT NOT NULL CHECK (error_action = 'log' OR error_action = 'notify_user' OR error_action = 'end_lab'),
  content_type      TEXT NOT NULL,
  notification_text TEXT NOT NULL,
  end_lab_confirmed INTEGER NOT NULL CHECK (end_lab_confirmed IN (0, 1)),
  retry_policy      TEXT NOT NULL CHECK (retry_policy <> ''),
  options           TEXT NOT NULL CHECK (json_type(options) = 'object'), -- what few webhooks have; secrets sealed
  description       TEXT NOT NULL,
  position          INTEGER NOT NULL CHECK (position >= 1),
  version           INTEGER NOT NULL CHECK (version >= 1),
  created_at        INTEGER NOT NULL,
  created_by        TEXT NOT NULL,
  updated_at        INTEGER NOT NULL,
  updated_by        TEXT NOT NULL,
  deactivate_reason TEXT NOT NULL,
  deactivated_at    INTEGER,
  deleted_at        INTEGER, -- kept for its deliveries
  CHECK ((deactivated_at IS NULL) = (deactivate_reason = '')),
  CHECK (enabled = 0 OR deactivated_at IS NULL)
) STRICT;
CREATE UNIQUE INDEX webhooks_name ON webhooks (consumer, name) WHERE deleted_at IS NULL;
CREATE INDEX webhooks_position ON webhooks (consumer, position) WHERE deleted_at IS NULL;

-- What a webhook was set to, version by version: attempts name the one they used.
CREATE TABLE webhook_versions (
  webhook    INTEGER NOT NULL REFERENCES webhooks (id),
  version    INTEGER NOT NULL CHECK (version >= 1),
  settings   TEXT NOT NULL CHECK (json_type(settings) = 'object'), -- sensitive header values sealed
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (webhook, version)
) STRICT, WITHOUT ROWID;

-- Event types of administrators, beside those that Labhook ships.
CREATE TABLE event_types (
  code          TEXT PRIMARY KEY CHECK (code <> ''),
  label         TEXT NOT NULL CHECK (label <> ''),
  description   TEXT NOT NULL,
  sample        TEXT NOT NULL CHECK (json_type(sample) = 'object'),
  schema        TEXT NOT NULL CHECK (schema = '' OR json_valid(schema)),
  subject_field TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  created_by    TEXT NOT NULL,
  updated_at    INTEGER NOT NULL,
  updated_by    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id              INTEGER PRIMARY KEY CHECK (id > 0),
  -- Whose ids the next two are: a consumer's, or 0: the platform's. Each has its own.
  scope           INTEGER NOT NULL CHECK (scope >= 0),
  sender_id       TEXT CHECK (sender_id <> ''),
  idempotency_key TEXT CHECK (idempotency_key <> ''),
  type            TEXT NOT NULL CHECK (type <> ''),
  consumer        INTEGER REFERENCES consumers (id), -- NULL: every consumer
  subject         TEXT NOT NULL,
  occurred_at     INTEGER NOT NULL,
  accepted_at     INTEGER NOT NULL,
  trace_parent    TEXT NOT NULL,
  source          TEXT NOT NULL,
  source_ip       TEXT NOT NULL,
  test            INTEGER NOT NULL CHECK (test IN (0, 1)), -- made to test one webhook
  data            BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_sender_id ON events (sender_id, scope) WHERE sender_id IS NOT NULL;
CREATE UNIQUE INDEX events_idempotency_key ON events (idempotency_key, scope) WHERE idempotency_key IS NOT NULL;
CREATE INDEX events_type ON events (type);
CREATE INDEX events_consumer ON events (consumer);
CREATE INDEX events_subject ON events (subject) WHERE subject <> '';

-- The checks of this table and of attempts write their lists as chains of OR: of more than two words behind IN,
-- SQLite builds a table in memory for every row that is written, which made this insert three times as expensive.
CREATE TABLE deliveries (
  id          INTEGER PRIMARY KEY CHECK (id > 0),
  event       INTEGER NOT NULL REFERENCES events (id),
  consumer    INTEGER NOT NULL REFERENCES consumers (id),
  webhook     INTEGER NOT NULL REFERENCES webhooks (id),
  state       TEXT NOT NULL CHECK (state = 'sending' OR state = 'delivered' OR state = 'queued' OR state = 'scheduled' OR state = 'retrying'
                                   OR state = 'held' OR state = 'failed' OR state = 'cancelled' OR state = 'skipped'),
  blocking    INTEGER NOT NULL CHECK (blocking IN (0, 1)),
  lane        INTEGER, -- which lane it queues in; NULL: none
  test        INTEGER NOT NULL CHECK (test IN (0, 1)), -- never retried, counted or held
  trigger     TEXT NOT NULL CHECK (trigger = 'automatic' OR trigger = 'manual' OR trigger = 'test'),
  -- How often a sender took it: what an attempt comes to decides only for the claim it belongs to.
  claim       INTEGER NOT NULL CHECK (claim >= 0),
  attempts    INTEGER NOT NULL CHECK (attempts >= 0),
  -- How many of them were made before it got all retries again.
  round_start INTEGER NOT NULL DEFAULT 0 CHECK (round_start BETWEEN 0 AND attempts),
  due_at      INTEGER,
  finished_at INTEGER,
  reason      TEXT NOT NULL,
  last_class  TEXT NOT NULL CHECK (last_class = '' OR last_class = 'dns' OR last_class = 'refused' OR last_class = 'reset' OR last_class = 'tls' OR last_class = 'timeout'
                                      OR last_class = 'blocked' OR last_class = 'redirect' OR last_class = 'status' OR last_class = 'body' OR last_class = 'request'),
  last_status INTEGER CHECK (last_status BETWEEN 100 AND 999),
  error_action TEXT CHECK (error_action = 'log' OR error_action = 'notify_user' OR error_action = 'end_lab'),
  -- What the lab's user is told.
  notification TEXT CHECK (notification IS NULL OR error_action IS 'notify_user' AND length(notification) <= 500),
  created_at  INTEGER NOT NULL,
  CHECK (test = 0 OR lane IS NULL),
  CHECK ((due_at IS NOT NULL) = (state = 'queued' OR state = 'scheduled' OR state = 'retrying')),
  CHECK ((finished_at IS NOT NULL) = (state = 'delivered' OR state = 'failed' OR state = 'cancelled' OR state = 'skipped')),
  CHECK ((reason <> '') = (state IN ('cancelled', 'skipped'))),
  CHECK (state <> 'held' OR lane IS NOT NULL),
  CHECK (attempts > 0 OR state <> 'delivered' AND state <> 'failed' AND state <> 'retrying'),
  CHECK (attempts > 0 OR last_class = '' AND last_status IS NULL),
  CHECK (state NOT IN ('failed', 'retrying') OR last_class <> ''),
  CHECK (state <> 'delivered' OR last_class = '')
) STRICT;
CREATE INDEX deliveries_event ON deliveries (event);
CREATE INDEX deliveries_consumer ON deliveries (consumer);
CREATE INDEX deliveries_webhook ON deliveries (webhook);
CREATE INDEX deliveries_tests ON deliveries (test) WHERE test = 1;
-- Most deliveries end delivered: a list of those needs no index of its own, and the others are found among few.
-- What goes straight from accepted to sent and delivered never enters the last two.
CREATE INDEX deliveries_state ON deliveries (state) WHERE state <> 'delivered';
CREATE INDEX deliveries_webhook_state ON deliveries (webhook, state) WHERE state NOT IN ('sending', 'delivered');
CREATE INDEX deliveries_consumer_state ON deliveries (consumer, state) WHERE state NOT IN ('sending', 'delivered');
-- Answers other than 2xx, by their first digit; answers to the digit, with those that are seldom given when all goes
-- well; and what became of attempts that failed. Few stand in them for the same reason. What else a list may ask for
-- stands beside it: of tens of thousands of failures, those of one webhook are found without the rows being read.
CREATE INDEX deliveries_answer ON deliveries (last_status / 100, id, last_status, state, webhook, consumer, event, test)
  WHERE last_status NOT BETWEEN 200 AND 299;
CREATE INDEX deliveries_status ON deliveries (last_status, id, state, webhook, consumer, event, test) WHERE last_status <> 200;
CREATE INDEX deliveries_class ON deliveries (last_class, id, state, webhook, consumer, event, test) WHERE last_class <> '';
-- The due queue: exactly the rows in scheduled, queued and retrying, by the CHECK above.
CREATE INDEX deliveries_due ON deliveries (webhook, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE attempts (
  id              INTEGER PRIMARY KEY CHECK (id > 0),
  delivery        INTEGER NOT NULL REFERENCES deliveries (id),
  number          INTEGER NOT NULL CHECK (number >= 1),
  trigger         TEXT NOT NULL CHECK (trigger = 'automatic' OR trigger = 'manual' OR trigger = 'test'),
  started_at      INTEGER NOT NULL,
  webhook_version INTEGER NOT NULL CHECK (webhook_version >= 1),
  verb            TEXT NOT NULL CHECK (verb <> ''),
  url             TEXT NOT NULL,
  request_headers TEXT NOT NULL, -- lines
  event_body      INTEGER NOT NULL CHECK (event_body IN (0, 1)), -- 1: the body is the event's data
  request_body    BLOB CHECK (event_body = 0 OR request_body IS NULL),
  unfilled        TEXT, -- tokens that nothing could fill, one a line; NULL: none
  proto           TEXT,
  status          INTEGER CHECK (status BETWEEN 100 AND 999), -- NULL: no answer came
  answer_reason   TEXT, -- phrase behind the status; NULL: the one that is usual for it
  answer_headers  TEXT, -- lines
  answer_body     BLOB,
  truncated       INTEGER NOT NULL CHECK (truncated IN (0, 1)),
  outcome         TEXT NOT NULL CHECK (outcome = 'delivered' OR outcome = 'retry' OR outcome = 'give_up'),
  class           TEXT NOT NULL CHECK (class = '' OR class = 'dns' OR class = 'refused' OR class = 'reset' OR class = 'tls' OR class = 'timeout'
                                          OR class = 'blocked' OR class = 'redirect' OR class = 'status' OR class = 'body' OR class = 'request'),
  error           TEXT NOT NULL,
  retry_at        INTEGER,
  dns_us          INTEGER NOT NULL CHECK (dns_us >= 0),
  connect_us      INTEGER NOT NULL CHECK (connect_us >= 0),
  tls_us          INTEGER NOT NULL CHECK (tls_us >= 0),
  sent_us         INTEGER NOT NULL DEFAULT 0 CHECK (sent_us >= 0), -- of wait_us
  wait_us         INTEGER NOT NULL CHECK (wait_us >= 0),
  body_us         INTEGER NOT NULL CHECK (body_us >= 0),
  total_us        INTEGER NOT NULL CHECK (total_us >= 0),
  reused          INTEGER NOT NULL CHECK (reused IN (0, 1)),
  remote_addr     TEXT NOT NULL,
  tls_version     INTEGER, -- 772: TLS 1.3; NULL: none was agreed on
  cert_ends_at    INTEGER, -- of the receiver's certificate; NULL: it showed none
  UNIQUE (delivery, number),
  CHECK ((status IS NULL) = (proto IS NULL) AND (status IS NULL) = (answer_headers IS NULL)),
  CHECK ((class = '') = (outcome = 'delivered')),
  CHECK ((retry_at IS NOT NULL) = (outcome = 'retry'))
) STRICT;

-- Lanes exist only where something blocks: a lab instance without blocking webhooks has no row here, and its
-- deliveries no entry in the indexes below.
CREATE TABLE lanes (
  id       INTEGER PRIMARY KEY,
  consumer INTEGER NOT NULL REFERENCES consumers (id),
  subject  TEXT NOT NULL CHECK (subject <> ''),
  UNIQUE (consumer, subject)
) STRICT;

-- A gate is a blocking delivery whose turn came.
CREATE TABLE gates (
  delivery  INTEGER PRIMARY KEY REFERENCES deliveries (id),
  lane      INTEGER NOT NULL REFERENCES lanes (id),
  webhook   INTEGER NOT NULL REFERENCES webhooks (id),
  closed_at INTEGER NOT NULL,
  opens_by  INTEGER NOT NULL,
  opened_at INTEGER, -- NULL: closed
  opening   TEXT CHECK (opening IN ('delivered', 'failed', 'cancelled', 'by_hand', 'late')),
  opened_by TEXT NOT NULL,
  reason    TEXT NOT NULL,
  released  INTEGER NOT NULL CHECK (released >= 0),
  CHECK ((opened_at IS NULL) = (opening IS NULL)),
  CHECK ((opened_by <> '') = (opening IS NOT NULL AND opening = 'by_hand')),
  CHECK (reason = '' OR opened_by <> '')
) STRICT;
-- At most one gate of a lane is closed.
CREATE UNIQUE INDEX gates_closed ON gates (lane) WHERE opened_at IS NULL;
CREATE INDEX gates_opens_by ON gates (opens_by) WHERE opened_at IS NULL;
CREATE INDEX gates_webhook ON gates (webhook) WHERE opened_at IS NULL;
CREATE INDEX gates_lane ON gates (lane);
CREATE INDEX deliveries_held ON deliveries (lane) WHERE state = 'held';

-- Webhooks whose latest attempts failed, and since when nothing got through; those of them that are paused.
CREATE TABLE streaks (
  webhook      INTEGER PRIMARY KEY REFERENCES webhooks (id),
  since        INTEGER NOT NULL,
  attempts     INTEGER NOT NULL CHECK (attempts >= 1), -- that failed in a row
  deliveries   INTEGER NOT NULL CHECK (deliveries >= 1), -- how often that was another delivery than the time before
  delivery     INTEGER NOT NULL, -- of the latest attempt
  given_up     INTEGER NOT NULL CHECK (given_up >= 0), -- deliveries that failed for good in a row
  told         INTEGER NOT NULL CHECK (told IN (0, 1)), -- webhook.failing was raised
  spell        INTEGER NOT NULL CHECK (spell >= 0), -- how often it was paused in a row
  paused_until INTEGER, -- when the next probe may go; NULL: it is not paused
  CHECK (paused_until IS NULL OR spell > 0)
) STRICT;
CREATE INDEX streaks_paused ON streaks (paused_until) WHERE paused_until IS NOT NULL;

-- What waited for a webhook when it went out of use and is not cancelled yet, as it was too much for one transaction.
CREATE TABLE cancellations (
  webhook INTEGER PRIMARY KEY REFERENCES webhooks (id),
  last    INTEGER NOT NULL, -- newest delivery concerned
  reason  TEXT NOT NULL CHECK (reason <> '')
) STRICT;

-- What a receiver missed, sent again piece by piece.
CREATE TABLE recoveries (
  id          INTEGER PRIMARY KEY CHECK (id > 0),
  webhook     INTEGER NOT NULL REFERENCES webhooks (id),
  since       INTEGER NOT NULL,
  next        INTEGER NOT NULL, -- delivery to go on from
  last        INTEGER NOT NULL, -- newest delivery concerned
  sent        INTEGER NOT NULL CHECK (sent >= 0),
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  finished_at INTEGER,
  stopped     TEXT NOT NULL, -- why it ended before its end
  CHECK (stopped = '' OR finished_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX recoveries_running ON recoveries (webhook) WHERE finished_at IS NULL;
CREATE INDEX recoveries_webhook ON recoveries (webhook);

-- Totals by the hour in which the attempts were recorded, and the latest attempt of that hour. The last columns count
-- the attempts that got an answer by how long it took: up to so many milliseconds, and more than in the column before.
CREATE TABLE hourly (
  hour        INTEGER NOT NULL CHECK (hour % 3600000 = 0),
  webhook     INTEGER NOT NULL REFERENCES webhooks (id),
  delivered   INTEGER NOT NULL CHECK (delivered >= 0),
  failed      INTEGER NOT NULL CHECK (failed >= 0),
  attempts    INTEGER NOT NULL CHECK (attempts >= 0),
  last_at     INTEGER NOT NULL,
  last_status INTEGER CHECK (last_status BETWEEN 100 AND 999),
  last_class  TEXT NOT NULL,
  took_10     INTEGER NOT NULL DEFAULT 0,
  took_20     INTEGER NOT NULL DEFAULT 0,
  took_50     INTEGER NOT NULL DEFAULT 0,
  took_100    INTEGER NOT NULL DEFAULT 0,
  took_200    INTEGER NOT NULL DEFAULT 0,
  took_500    INTEGER NOT NULL DEFAULT 0,
  took_1000   INTEGER NOT NULL DEFAULT 0,
  took_2000   INTEGER NOT NULL DEFAULT 0,
  took_5000   INTEGER NOT NULL DEFAULT 0,
  took_10000  INTEGER NOT NULL DEFAULT 0,
  took_20000  INTEGER NOT NULL DEFAULT 0,
  took_60000  INTEGER NOT NULL DEFAULT 0,
  took_300000 INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (hour, webhook)
) STRICT, WITHOUT ROWID;

-- The attempts among them that failed, by what they came to.
CREATE TABLE hourly_failures (
  hour     INTEGER NOT NULL CHECK (hour % 3600000 = 0),
  webhook  INTEGER NOT NULL REFERENCES webhooks (id),
  class    TEXT NOT NULL CHECK (class <> ''),
  status   INTEGER NOT NULL CHECK (status = 0 OR status BETWEEN 100 AND 999), -- 0: no answer came
  attempts INTEGER NOT NULL CHECK (attempts > 0),
  PRIMARY KEY (hour, webhook, class, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id            INTEGER PRIMARY KEY CHECK (id > 0),
  login         TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (login <> ''),
  name          TEXT NOT NULL CHECK (name <> ''),
  role          TEXT NOT NULL CHECK (role IN ('viewer', 'developer', 'admin')),
  enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  time_zone     TEXT NOT NULL,
  theme         TEXT NOT NULL CHECK (theme IN ('', 'light', 'dark')),
  compact       INTEGER NOT NULL DEFAULT 0 CHECK (compact IN (0, 1)),
  no_shortcuts  INTEGER NOT NULL DEFAULT 0 CHECK (no_shortcuts IN (0, 1)),
  password_hash TEXT NOT NULL CHECK (password_hash <> ''),
  created_at    INTEGER NOT NULL,
  signed_in_at  INTEGER -- NULL: never
) STRICT;

-- Links with which a user chooses a password, one each at most.
CREATE TABLE invitations (
  user       INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY CHECK (token_hash <> ''),
  user       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  data       BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_expires ON sessions (expires_at);
CREATE INDEX sessions_user ON sessions (user);

CREATE TABLE settings (
  key   TEXT PRIMARY KEY CHECK (key <> ''),
  value BLOB NOT NULL -- sealed
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id     INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  actor  TEXT NOT NULL CHECK (actor <> ''),
  ip     TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action <> ''),
  object TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_actor ON audit (actor);
CREATE INDEX audit_action ON audit (action);
CREATE INDEX audit_object ON audit (object);
