// Package db keeps everything Labhook knows in one SQLite file. It implements engine.Store for the pipeline and
// offers plain reads and audited changes to the screens and the API.
//
//	web, engine ──► Store ──► writer: one goroutine, one connection, many operations in one commit
//	                   └────► readers: read-only connections for lists and details
//
// Rules that hold everywhere:
//
//   - Every change is an operation of the writer (writer.go) and is on disk before its caller is answered.
//   - Ids are the integer primary keys and sort by time, so lists page by id and a time is a range of ids.
//   - Times are integers, milliseconds since 1970. Tables are STRICT, and CHECK constraints refuse a row that the
//     state machine does not know.
//   - The consumers and webhooks of the moment are kept in memory as an engine.Directory, published after the commit
//     that changed them and before the change is answered.
//   - Secrets are sealed with a key that lies in a file beside the database (secrets.go).
package db
