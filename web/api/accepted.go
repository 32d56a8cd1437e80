package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// writeAccepted writes the answer that is given most often, which is why it does not go through reflection.
func writeAccepted(w http.ResponseWriter, out *AcceptedEvent) {
	text, err := out.appendJSON(make([]byte, 0, 512))
	if err != nil { // a year that JSON cannot name
		writeJSON(w, http.StatusAccepted, "application/json", out)
		return
	}
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(append(text, '\n'))
}

var jsonType = []string{"application/json"}

// appendJSON appends what encoding/json would write.
func (out *AcceptedEvent) appendJSON(b []byte) (_ []byte, err error) {
	b = appendText(append(b, `{"id":`...), out.ID)
	b = appendText(append(b, `,"labhook_id":`...), out.LabhookID)
	b = appendText(append(b, `,"type":`...), out.Type)
	b = append(b, `,"consumer":`...)
	if out.Consumer == nil {
		b = append(b, "null"...)
	} else {
		b = appendText(b, *out.Consumer)
	}
	b = appendText(append(b, `,"subject":`...), out.Subject)
	b = strconv.AppendBool(append(b, `,"test":`...), out.Test)
	if b, err = appendTime(append(b, `,"occurred_at":`...), out.OccurredAt); err != nil {
		return nil, err
	}
	if b, err = appendTime(append(b, `,"accepted_at":`...), out.AcceptedAt); err != nil {
		return nil, err
	}
	b = strconv.AppendBool(append(b, `,"duplicate":`...), out.Duplicate)
	b = append(b, `,"deliveries":[`...)
	for i := range out.Deliveries {
		if i > 0 {
			b = append(b, ',')
		}
		b = out.Deliveries[i].appendJSON(b)
	}
	b = strconv.AppendBool(append(b, `],"more_deliveries":`...), out.MoreDeliveries)
	b = appendText(append(b, `,"status_url":`...), out.StatusURL)
	return append(b, '}'), nil
}

// appendJSON appends what encoding/json would write.
func (d *EventDelivery) appendJSON(b []byte) []byte {
	b = appendText(append(b, `{"id":`...), d.ID)
	b = appendText(append(b, `,"webhook":`...), d.Webhook)
	b = appendText(append(b, `,"state":`...), d.State)
	b = strconv.AppendBool(append(b, `,"blocking":`...), d.Blocking)
	b = append(b, `,"last_status":`...)
	if d.LastStatus == nil {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(*d.LastStatus), 10)
	}
	b = appendText(append(b, `,"failure_class":`...), d.FailureClass)
	b = appendText(append(b, `,"error_action":`...), d.ErrorAction)
	return append(b, '}')
}

// appendText appends a text as writeJSON does. Most texts stand for themselves.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var quoted bytes.Buffer
			enc := json.NewEncoder(&quoted)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(text) // a text can always be written
			return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendTime(b []byte, t time.Time) ([]byte, error) {
	b, err := t.AppendText(append(b, '"'))
	return append(b, '"'), err
}
