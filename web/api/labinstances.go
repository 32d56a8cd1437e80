package api

import (
	"context"
	"encoding/json"

	"labhook/engine"
)

type listLabsInput struct {
	Text  string `query:"text" maxLength:"200" doc:"In the id, the user's names and ids, the lab profile's or the class's name"`
	Gated bool   `query:"gated" doc:"Only those with a closed gate"`
}

// listLabInstances answers with the lab instances that the key sees, those with the newest events first. The store
// bounds how many.
func (s *server) listLabInstances(ctx context.Context, in *listLabsInput) (*answer[List[LabRow]], error) {
	rows, err := s.Store.ListLabInstances(ctx, engine.LabFilter{Text: in.Text, Gated: in.Gated, ConsumerID: callOf(ctx).key.ConsumerID})
	if err != nil {
		return nil, err
	}
	return wholeList(rows, labRowOut), nil
}

type labPath struct {
	Subject string `path:"subject" doc:"Id of the lab instance, or another subject of events"`
}

// readLabInstance answers with one lab instance, its events and what became of them.
func (s *server) readLabInstance(ctx context.Context, in *labPath) (*answer[LabInstance], error) {
	lab, err := s.Store.LabInstanceOf(ctx, in.Subject, callOf(ctx).key.ConsumerID)
	if err != nil {
		return nil, err
	}
	out := LabInstance{
		LabHead: labHeadOut(lab.Subject, lab.Details, lab.ClosedGates()),
		Events:  make([]LabEvent, len(lab.Events)), EarlierEvents: lab.Earlier,
	}
	for i := range lab.Events {
		e := &lab.Events[i]
		out.Events[i].Event = eventOut(&e.Event)
		if out.Events[i].Deliveries, err = s.withGates(ctx, e.Deliveries, e.Gates); err != nil {
			return nil, err
		}
		for _, d := range out.Events[i].Deliveries {
			if d.Gate != nil {
				out.HeldDeliveries += d.Gate.HeldDeliveries
			}
		}
	}
	return &answer[LabInstance]{out}, nil
}

func labHeadOut(subject string, details engine.LabDetails, closedGates int) LabHead {
	head := LabHead{
		Subject: subject, State: details.State(), CompletionStatus: details.CompletionStatus(),
		Details: json.RawMessage("null"), ClosedGates: closedGates,
	}
	if !details.Empty() {
		head.Details = details.Body()
	}
	return head
}

func labRowOut(row engine.LabRow) LabRow {
	return LabRow{
		LabHead:       labHeadOut(row.Subject, row.Details, row.ClosedGates),
		LastEventType: row.LastType, LastEventAt: row.LastAt.UTC(),
	}
}
