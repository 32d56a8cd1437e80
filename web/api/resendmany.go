package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// Limits of one request to resend.
const (
	maxResend      = engine.MaxPageSize
	maxResendCount = 10_000 // how far count_only counts
)

// resendable are the states of deliveries that can be sent again, resentByDefault those that a filter chooses.
var (
	resendable      = []engine.DeliveryState{engine.StateFailed, engine.StateCancelled, engine.StateSkipped, engine.StateDelivered}
	resentByDefault = []engine.DeliveryState{engine.StateFailed, engine.StateCancelled}
)

// ResendInput names deliveries, or describes them.
type ResendInput struct {
	IDs       []string      `json:"ids" nullable:"false" doc:"Deliveries, each once"`
	Filter    *ResendFilter `json:"filter" doc:"In place of ids: the oldest deliveries that all of it fits, tests excepted; {} is every one that failed or was cancelled"`
	CountOnly bool          `json:"count_only" doc:"Count what the filter chooses, and send nothing"`
}

// ResendFilter describes deliveries. Its fields are parameters of GET /deliveries.
type ResendFilter struct {
	Status   []string   `json:"status" nullable:"false"`
	Code     string     `json:"code" doc:"What the latest attempt came to: an HTTP status such as 503, 5xx, or a failure class such as timeout"`
	Webhook  string     `json:"webhook"`
	Consumer string     `json:"consumer" doc:"Id or external id of an API consumer"`
	Event    string     `json:"event" doc:"Id of an event, or the sender's id"`
	Type     string     `json:"type" doc:"Code or label of an event type"`
	Subject  string     `json:"subject" doc:"What the event is about"`
	Since    *time.Time `json:"since" nullable:"false" doc:"Deliveries from this time on"`
	Until    *time.Time `json:"until" nullable:"false" doc:"Deliveries before this time"`
	After    string     `json:"after" doc:"Cursor: go on behind it; next of the answer before"`
}

// ResendItem is what became of one delivery.
type ResendItem struct {
	ID      string   `json:"id"`
	Status  int      `json:"status" doc:"200: it is sent again; else as the request for that delivery alone would have been answered"`
	State   string   `json:"state,omitempty" doc:"Its state now"`
	Problem *Problem `json:"problem,omitempty" doc:"Why it is not sent again"`
}

// Resent is the answer to a request to resend.
type Resent struct {
	Deliveries int          `json:"deliveries" doc:"How many were named, or chosen by the filter"`
	More       bool         `json:"more" doc:"The filter chooses more: repeat the request with next as after; with count_only: more than were counted"`
	Resent     int          `json:"resent" doc:"How many of them are sent again"`
	Results    []ResendItem `json:"results" nullable:"false" doc:"In the order of ids, else oldest first"`
	Next       *string      `json:"next" doc:"Cursor of the last one; null: there are no more"`
}

// TransformSchema adds the limits; all may be left out.
func (ResendInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	s.Properties["ids"].MinItems, s.Properties["ids"].MaxItems = new(1), new(int(maxResend))
	s.Properties["count_only"].Default = false
	return s
}

// TransformSchema names the states; all may be left out.
func (ResendFilter) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	s.Properties["status"].Default = resentByDefault
	for _, state := range resendable {
		s.Properties["status"].Items.Enum = append(s.Properties["status"].Items.Enum, string(state))
	}
	return s
}

// resendMany asks for one more attempt of each of several deliveries. Each is sent again or refused by itself; what a
// client that has gone away asked for is done all the same.
func (s *server) resendMany(ctx context.Context, _ *none) (*answer[Resent], error) {
	var sent ResendInput
	if err := decode(callOf(ctx).body, &sent); err != nil {
		return nil, err
	}
	if bad := sent.check(); len(bad) > 0 {
		return nil, bad
	}
	out := Resent{Deliveries: len(sent.IDs), Results: []ResendItem{}}
	names := sent.IDs
	if sent.Filter != nil {
		f, err := s.resendFilter(ctx, sent.Filter)
		if err != nil {
			return nil, err
		}
		if sent.CountOnly {
			out.Deliveries, out.More, err = s.Store.CountDeliveries(ctx, f, maxResendCount)
			return &answer[Resent]{out}, err
		}
		if names, err = s.chosen(ctx, f, &out); err != nil {
			return nil, err
		}
	}
	ctx = context.WithoutCancel(ctx)
	for _, name := range names {
		out.Results = append(out.Results, s.resendOne(ctx, name))
		if out.Results[len(out.Results)-1].Problem == nil {
			out.Resent++
		}
	}
	return &answer[Resent]{out}, nil
}

func (in *ResendInput) check() (bad engine.InvalidError) {
	switch {
	case len(in.IDs) == 0 && in.Filter == nil:
		return invalid("ids", "Name deliveries in ids, or describe them in filter")
	case len(in.IDs) > 0 && in.Filter != nil:
		return invalid("filter", "Send ids or filter, not both")
	case len(in.IDs) > maxResend:
		return invalid("ids", "At most %d deliveries can be named at once, these are %d", maxResend, len(in.IDs))
	case in.CountOnly && in.Filter == nil:
		return invalid("count_only", "Only what a filter chooses is counted; send filter in place of ids")
	}
	for i, id := range in.IDs {
		if slices.Contains(in.IDs[:i], id) {
			bad = append(bad, invalid(fmt.Sprintf("ids[%d]", i), "%s is named twice", id)...)
		}
	}
	return bad
}

// resendFilter reads a filter. What is wrong with it is named by its place in the body.
func (s *server) resendFilter(ctx context.Context, in *ResendFilter) (engine.DeliveryFilter, error) {
	var bad engine.InvalidError
	list := listDeliveriesInput{
		Code: in.Code, Webhook: in.Webhook, Consumer: in.Consumer, Event: in.Event, Type: in.Type, Subject: in.Subject, Test: "false",
		Window: Window{Since: timeOrZero(in.Since), Until: timeOrZero(in.Until), After: in.After, Limit: maxResend},
	}
	for i, state := range in.Status {
		if !slices.Contains(resendable, engine.DeliveryState(state)) {
			bad = append(bad, invalid(fmt.Sprintf("status[%d]", i), "Only deliveries that have ended can be sent again: choose of %s", joined(resendable))...)
		}
		list.Status = append(list.Status, deliveryState(state))
	}
	f, err := s.deliveryFilter(ctx, &list)
	if found, ok := errors.AsType[engine.InvalidError](err); ok {
		bad = append(bad, found...)
	} else if err != nil {
		return f, err
	}
	if len(bad) > 0 {
		for i := range bad {
			bad[i].Field = "filter." + bad[i].Field
		}
		return f, bad
	}
	if len(f.States) == 0 {
		f.States = resentByDefault
	}
	f.After = max(f.After, 1) // from the oldest one on
	return f, nil
}

// chosen returns the ids of the oldest deliveries that the filter chooses.
func (s *server) chosen(ctx context.Context, f engine.DeliveryFilter, out *Resent) (names []string, err error) {
	page, err := s.Store.ListDeliveries(ctx, f)
	if err != nil {
		return nil, err
	}
	out.Deliveries, out.More = len(page.Rows), page.Newer
	if page.Newer && len(page.Rows) > 0 {
		out.Next = new(deliveryList.cursor(int64(page.Rows[0].ID)))
	}
	for _, d := range slices.Backward(page.Rows) {
		names = append(names, d.ID.String())
	}
	return names, nil
}

// resendOne asks for one more attempt of one of several deliveries.
func (s *server) resendOne(ctx context.Context, name string) ResendItem {
	done, err := s.resendDelivery(ctx, &deliveryPath{name})
	if err != nil {
		p := s.problemOf(ctx, err)
		return ResendItem{ID: name, Status: p.Status, Problem: p}
	}
	return ResendItem{ID: name, Status: http.StatusOK, State: done.Body.State}
}

// joined writes a list of words.
func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}
