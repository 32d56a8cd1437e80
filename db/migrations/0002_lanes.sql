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
CREATE INDEX gates_lane ON gates (lane);

CREATE INDEX deliveries_held ON deliveries (lane) WHERE state = 'held';

ALTER TABLE deliveries ADD COLUMN error_action TEXT CHECK (error_action IN ('log', 'notify_user', 'end_lab'));
-- How often a sender took the delivery: what an attempt comes to decides only for the claim it belongs to.
ALTER TABLE deliveries ADD COLUMN claim INTEGER NOT NULL DEFAULT 0 CHECK (claim >= 0);
-- The phrase behind an answer's status; NULL: the one that is usual for it.
ALTER TABLE attempts ADD COLUMN answer_reason TEXT;
-- What the lab's user is told.
ALTER TABLE deliveries ADD COLUMN notification TEXT CHECK (notification IS NULL OR error_action IS 'notify_user' AND length(notification) <= 500);
ALTER TABLE webhooks ADD COLUMN end_lab_confirmed INTEGER NOT NULL DEFAULT 0 CHECK (end_lab_confirmed IN (0, 1));

-- Whose ids the sender's id and the idempotency key are: a consumer's, or 0: the platform's. Each has its own.
ALTER TABLE events ADD COLUMN scope INTEGER NOT NULL DEFAULT 0 CHECK (scope >= 0);
DROP INDEX events_sender_id;
DROP INDEX events_idempotency_key;
CREATE UNIQUE INDEX events_sender_id ON events (sender_id, scope) WHERE sender_id IS NOT NULL;
CREATE UNIQUE INDEX events_idempotency_key ON events (idempotency_key, scope) WHERE idempotency_key IS NOT NULL;

-- Webhooks whose latest deliveries failed for good, and how many in a row.
CREATE TABLE streaks (
  webhook INTEGER PRIMARY KEY REFERENCES webhooks (id),
  failed  INTEGER NOT NULL CHECK (failed >= 1),
  since   INTEGER NOT NULL
) STRICT;
