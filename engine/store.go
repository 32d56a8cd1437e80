package engine

import (
	"context"
	"time"
)

// Store is what the pipeline needs of the database. Each method that writes is one transaction, which may share
// its commit with others; when it returns, or calls back, the commit is on disk.
type Store interface {
	// Directory returns the consumers and webhooks as of the latest committed change. It does not block.
	Directory() *Directory

	// Settings returns the settings of the site that are in force. It does not block.
	Settings() *SiteSettings

	// InsertEvent stores an event and its deliveries, those held that stand behind a gate. It returns when the
	// operation is queued, and calls done after the commit; events are stored in the order in which they were
	// queued. When the sender's id or idempotency key was used before in its scope it stores nothing.
	InsertEvent(e *Event, offers []Offer, done func(Inserted, error))

	// InsertTest stores the event of a test and its delivery, which is in StateSending and stands in no lane, and writes
	// to the audit log who asked for it. ErrNotFound when the webhook was deleted meanwhile.
	InsertTest(ctx context.Context, who Actor, e *Event, d Delivery) error

	// Watch sets who is told what commits bring about beside the answers of the other methods. Call it once,
	// before the first operation.
	Watch(Watcher)

	// OpenGate opens the gate of a delivery by hand and lets its lane go on. ErrNotFound when it has none,
	// ErrConflict when it is open already.
	OpenGate(ctx context.Context, who Actor, now time.Time, id DeliveryID, reason string) (Gate, error)

	// OpenLateGates opens up to limit gates whose latest opening time has come, and returns when the next one's
	// comes, zero when no gate is closed.
	OpenLateGates(ctx context.Context, now time.Time, limit int) (time.Time, error)

	// ReleaseLanes lets held deliveries of those lanes go that stand behind no gate: what is left of a lane that
	// was too long to be released in one transaction. Without lanes it looks for them in all.
	ReleaseLanes(ctx context.Context, now time.Time, lanes []LaneID) error

	// Verdict returns what the blocking deliveries of an event came to: those of one consumer, or all for zero.
	Verdict(ctx context.Context, id EventID, consumer ConsumerID) (Verdict, error)

	// ClaimDue takes deliveries that are due at now, oldest due time first and at most as many as each want asks
	// for, and moves them to StateSending. It answers one claim for each want.
	ClaimDue(ctx context.Context, now time.Time, wants []Want) ([]Claim, error)

	// ClaimDelivery takes one delivery that waits and is due, and moves it to StateSending. ErrConflict when it does not
	// wait any more.
	ClaimDelivery(ctx context.Context, now time.Time, id DeliveryID) (*Sending, error)

	// RecordAttempt stores an attempt with the next state of its delivery and the counters. It returns at
	// once and calls done after the commit, from a goroutine that must not be kept waiting. A delivery that
	// was cancelled meanwhile keeps its state; its attempt is stored all the same.
	RecordAttempt(r Record, done func(Delivery, error))

	// ChangeDelivery applies a step that a person asked for, and writes it to the audit log. ErrNotFound, or
	// ErrConflict when the step is not possible in the delivery's state.
	ChangeDelivery(ctx context.Context, who Actor, id DeliveryID, c Change) (Delivery, error)

	// Replay sends an event to a webhook: the delivery that the webhook has of it again, else a new one, in StateQueued.
	// ErrNotFound when there is no such event, a Conflict when it is not possible. The audit log says who asked.
	Replay(ctx context.Context, who Actor, now time.Time, event EventID, webhook WebhookID) (Delivery, error)

	// PutBack moves deliveries that are in StateSending and were not attempted to StateQueued, due when they were before.
	PutBack(ctx context.Context, now time.Time, unsent []*Sending) error

	// CancelUnusable cancels deliveries in StateSending whose webhook or consumer was found out of use.
	CancelUnusable(ctx context.Context, now time.Time, ids []DeliveryID, reason string) error

	// CancelExpired cancels what waits for consumers that expired after since and by now, and opens its gates. As with
	// everything that takes a webhook out of use, GoOn does what is too much for one transaction; until then nothing of
	// it is sent, nor closes a gate.
	CancelExpired(ctx context.Context, since, now time.Time) error

	// PutBackAbandoned puts back every delivery that is in StateSending but is none of kept, and returns
	// the webhooks concerned. The process that owns the data directory is the only one that sends, so what it
	// does not hold was abandoned. Abandoned tests are cancelled. What was never attempted is due as of its acceptance, for
	// it came before all that waits.
	PutBackAbandoned(ctx context.Context, now time.Time, kept func(DeliveryID) bool) ([]WebhookID, error)

	// NextDue returns for every webhook with waiting deliveries when the first of them is due.
	NextDue(ctx context.Context) (map[WebhookID]time.Time, error)

	// Pauses returns the webhooks that are paused.
	Pauses(ctx context.Context) ([]Streak, error)

	// ResumeWebhook ends the pause of a webhook by hand. ErrConflict when it is not paused.
	ResumeWebhook(ctx context.Context, who Actor, id WebhookID) error

	// StartRecovery begins a recovery with its first piece, and writes it to the audit log. enable: the webhook is switched
	// on with it. ErrNotFound, or a Conflict, and then nothing was changed.
	StartRecovery(ctx context.Context, who Actor, id WebhookID, since, now time.Time, enable bool) (Recovery, error)

	// GoOn does a piece of what was too much for the transaction that began it: it cancels what waits for webhooks that
	// went out of use, and goes on with recoveries. It reports whether more is left.
	GoOn(ctx context.Context, now time.Time) (more bool, err error)

	// Checkpoint moves the write-ahead log into the database file.
	Checkpoint(ctx context.Context) error
}

// Watcher is told after commits what they brought about. Its methods are called by the writer: they must neither
// wait nor call the store.
type Watcher interface {
	// Due: these deliveries wait for their due time now.
	Due([]Delivery)
	// Ended: deliveries of these events ended that a sender may wait for; nil: of any events.
	Ended([]EventID)
	// GateClosed: a gate closed that opens at that time at the latest.
	GateClosed(opensBy time.Time)
	// ConfigChanged: the Directory or the Settings are others.
	ConfigChanged()
	// Paused: the webhook is paused until then, when one probe may go; the zero time: not any more.
	Paused(id WebhookID, until time.Time)
	// LaneLeft: more held deliveries of the lane can go than one transaction should release.
	LaneLeft(LaneID)
	// Unfinished: there is something for GoOn to do.
	Unfinished()
}

// Offer is a delivery that is about to be stored. Room: there is room in memory to send it at once.
type Offer struct {
	Delivery Delivery
	Room     bool
}

// Inserted is what became of an event that was to be stored.
type Inserted struct {
	// First is set when the sender's id or key was used before: the event that it was used for.
	First *Event
	// Deliveries are as they were stored: held behind a gate, in StateSending where there was room, else waiting.
	Deliveries []Delivery
}

// Sending is a delivery in StateSending with the event it is about.
type Sending struct {
	Delivery Delivery
	Event    *Event
	// DueAt is when the delivery was due before it was taken. Put back, it has its old place among those that wait.
	DueAt time.Time

	asked bool // a person asked for it: it may go though its webhook is paused
}

// Want asks for deliveries of one webhook.
type Want struct {
	WebhookID WebhookID
	Limit     int
}

// Claim is the answer to a Want.
type Claim struct {
	WebhookID WebhookID
	Taken     []*Sending
	// NextDue is when the first delivery that is left is due, zero when none waits.
	NextDue time.Time
}

// Record is an attempt and what it changes.
type Record struct {
	Attempt Attempt
	Claim   int // of the delivery, as it was taken
	// Taken is the delivery as it was taken; nil: the store is to read it.
	Taken  *Delivery
	Change Change
	// EventBody: the body that was sent is the event's data to the byte, and need not be stored again.
	EventBody bool
}
