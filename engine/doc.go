// Package engine is the middle of Labhook: the words of the field, and the pipeline that takes an event and
// delivers it. It imports none of the other packages (engine/egress and engine/receiver are its own); the
// database implements its Store, the web calls its Engine.
//
// # The way of an event
//
//	Accept ──► Store.InsertEvent ──► dispatcher ──► attempt ──► Store.RecordAttempt
//	  │ Prepare, Match   │ one commit     ▲   fair turns   │ Render, exchange    │ one commit
//	  │                  ▼                │                ▼                     ▼
//	  └───────────────► 202          ClaimDue ◄──── due times on disk ◄──── retrying, queued
//
// The only way back is through the database. An event is answered after its commit; an attempt is made with no
// transaction open; its outcome, the delivery's next state and the counters are one commit. What a crash leaves in
// the state sending is put back at the next start: at least once, nothing lost.
//
// # The life of a delivery
//
//	            hold             release
//	  ┌──────────────► held ───────────────┐
//	  │                 │ skip, cancel     │
//	accepted            ▼                  ▼
//	  ├────► scheduled ── hasten ──► queued ◄──────────── interrupt ──┐
//	  │          │                     │  ▲                           │
//	  │          └──────── send ───────┴──┼───────────────────────► sending ──► delivered
//	  │                     ▲             │                           │  │ └──► failed
//	  │                     └─ retrying ◄─┼───────── retry ───────────┘  │
//	  │                           └─ hasten                              │
//	  └─ cancel: from every state that is not final                      │
//	     resend: from every final state to queued  ◄─────────────────────┘
//	     recover: from failed and cancelled to queued, with all retries again
//
// Transition is this picture as one pure function; constraints of the database refuse rows that contradict it.
// Final are delivered, failed, cancelled and skipped. A test begins in sending, is cancelled when it is interrupted, and
// is never resent.
//
// # What is where
//
//	consumer.go, webhook.go, header.go   the settings and their limits
//	catalog.go, labinstance.go, event.go what events are
//	delivery.go, attempt.go, outcome.go, decide.go
//	                                     what becomes of them
//	retry.go, erroraction.go             the rules of trying again and giving up
//	directory.go, match.go               which webhooks an event concerns
//	accept.go, dispatch.go, render.go, send.go, record.go, maintain.go
//	                                     the pipeline, in the order of the verbs
//	recover.go, errands.go               sending again what was missed, and what is too much for one transaction
//	test.go                              one attempt past the pipeline, to try out a webhook
//	store.go                             what the pipeline needs of the database
//	filter.go                            what lists ask for and get
package engine
