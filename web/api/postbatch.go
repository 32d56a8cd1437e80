package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"labhook/engine"
)

// Limits of a batch.
const (
	maxBatch     = 1000    // events
	maxBatchBody = 8 << 20 // bytes
)

// ndjson is the media type of a batch with one event a line.
const ndjson = "application/x-ndjson"

// BatchItem is what became of one event of a batch.
type BatchItem struct {
	Status    int      `json:"status" doc:"202: accepted; else as that event alone would have been answered"`
	ID        string   `json:"id,omitempty"`
	LabhookID string   `json:"labhook_id,omitempty"`
	Duplicate bool     `json:"duplicate,omitempty" doc:"The event was accepted before"`
	Problem   *Problem `json:"problem,omitempty" doc:"Why it was not accepted"`
}

// Batch is the answer to a batch.
type Batch struct {
	Accepted int         `json:"accepted" doc:"How many were, duplicates included"`
	Results  []BatchItem `json:"results" nullable:"false" doc:"In the order of the events"`
}

// batchAnswers are the answers of POST /events/batch.
var batchAnswers = map[int]reflect.Type{http.StatusOK: reflect.TypeFor[Batch]()}

// postBatch takes several events, as a JSON list or one a line. Each is accepted or refused by itself; the answer is
// written when all that were accepted are on disk.
func (s *server) postBatch(w http.ResponseWriter, r *http.Request) {
	c := callOf(r.Context())
	_, err := queryOf(r.URL)
	var items []json.RawMessage
	if err == nil {
		items, err = splitBatch(c.body, isNDJSON(r))
	}
	if err != nil {
		writeProblem(w, s.problemOf(r.Context(), err))
		return
	}
	out := Batch{Results: make([]BatchItem, len(items))}
	var (
		events []*engine.Event
		places []int
	)
	for i, item := range items {
		ev, err := s.eventIn(r, item)
		if err != nil {
			out.refuse(i, s.problemOf(r.Context(), err))
			continue
		}
		events, places = append(events, ev), append(places, i)
	}
	accepted, errs := s.Engine.AcceptAll(r.Context(), events)
	for n, i := range places {
		s.batchResult(r.Context(), &out, i, accepted[n], errs[n])
	}
	writeJSON(w, http.StatusOK, "application/json", out)
}

// batchResult writes what became of one event.
func (s *server) batchResult(ctx context.Context, out *Batch, i int, a engine.Accepted, err error) {
	if err != nil {
		out.refuse(i, s.problemOf(ctx, conflict(err, eventConflict)))
		return
	}
	out.Accepted++
	out.Results[i] = BatchItem{
		Status: http.StatusAccepted, ID: a.Event.PublicID(), LabhookID: a.Event.ID.String(), Duplicate: a.Duplicate,
	}
}

func (out *Batch) refuse(i int, p *Problem) { out.Results[i] = BatchItem{Status: p.Status, Problem: p} }

// isNDJSON reports whether a body has one event a line.
func isNDJSON(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mediaType == ndjson
}

// splitBatch returns the events of a batch, each as it was written.
func splitBatch(body []byte, lines bool) ([]json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, newProblem(http.StatusBadRequest, "The body is not UTF-8 text")
	}
	read := readList
	if lines {
		read = splitLines
	}
	items, err := read(body)
	switch {
	case err != nil:
		return nil, err
	case len(items) == 0:
		return nil, newProblem(http.StatusBadRequest, "The batch has no events")
	case len(items) > maxBatch:
		return nil, newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("A batch may have at most %d events, this one has %d", maxBatch, len(items)))
	}
	return items, nil
}

// readList returns the values of a list; null is a list without any.
func readList(body []byte) ([]json.RawMessage, error) {
	if string(bytes.Trim(body, " \t\r\n")) == "null" {
		return nil, nil
	}
	items, err := engine.JSONList(body)
	if err == nil {
		return items, nil
	}
	problem := cmp.Or(engine.JSONProblem(string(body)), "it must be a list of events")
	return nil, newProblem(http.StatusBadRequest, "The body is not a batch: "+problem+"; one event a line needs Content-Type: "+ndjson)
}

// splitLines returns the lines that are not blank. One that is no JSON ends the batch before anything is accepted: what
// follows it cannot be told apart from it.
func splitLines(body []byte) ([]json.RawMessage, error) {
	var items []json.RawMessage
	number := 0
	for line := range bytes.Lines(body) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			before := strings.Repeat("\n", number-1) // so that the problem names the line in the body
			return nil, newProblem(http.StatusBadRequest, "The body is not a batch: "+engine.JSONProblem(before+string(line)))
		}
		items = append(items, json.RawMessage(line))
	}
	return items, nil
}
