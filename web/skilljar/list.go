package skilljar

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"labhook/engine"
)

// page is a part of a list.
type page struct {
	Count    int       `json:"count"` // of the whole list
	Next     *string   `json:"next"`
	Previous *string   `json:"previous"`
	Results  []webhook `json:"results"`
}

// list answers with the webhooks of the key's consumer that this shape can tell, oldest first.
func (s *server) list(c *call) error {
	query := c.r.URL.Query()
	size, err := pageSize(query)
	if err != nil {
		return err
	}
	shown := slices.DeleteFunc(slices.Clone(s.Store.Directory().Webhooks(c.key.ConsumerID)), func(w *engine.Webhook) bool { return !expressible(w) })
	slices.SortFunc(shown, func(a, b *engine.Webhook) int { return cmp.Compare(a.ID, b.ID) })
	last := max(1, (len(shown)+size-1)/size)
	number, err := pageNumber(query, last)
	if err != nil {
		return err
	}
	out := page{Count: len(shown), Results: []webhook{}}
	for _, w := range shown[(number-1)*size : min(number*size, len(shown))] {
		out.Results = append(out.Results, c.webhookOut(w))
	}
	if number < last {
		out.Next = new(s.pageURL(c.r, query, number+1))
	}
	if number > 1 {
		out.Previous = new(s.pageURL(c.r, query, number-1))
	}
	writeJSON(c.w, http.StatusOK, out)
	return nil
}

// pageSize reads how many webhooks a page has.
func pageSize(query url.Values) (int, error) {
	text := query.Get("page_size")
	if text == "" {
		return engine.PageSize, nil
	}
	n, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) && text[0] != '-' {
		n, err = engine.MaxPageSize, nil
	}
	if err != nil || n < 1 {
		return 0, invalid("page_size", fmt.Sprintf("Send a whole number from 1 to %d.", engine.MaxPageSize))
	}
	return min(n, engine.MaxPageSize), nil
}

// pageNumber reads which page is wanted, from 1 or by the name of the last one.
func pageNumber(query url.Values, last int) (int, error) {
	switch text := query.Get("page"); text {
	case "":
		return 1, nil
	case "last":
		return last, nil
	default:
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= last {
			return n, nil
		}
		return 0, refuse(http.StatusNotFound, fmt.Sprintf("Invalid page. The pages are 1 to %d.", last))
	}
}

// pageURL returns the address of another page of the list, other parameters kept. The first page goes without a number.
func (s *server) pageURL(r *http.Request, query url.Values, number int) string {
	query.Del("page")
	if number > 1 {
		query.Set("page", strconv.Itoa(number))
	}
	address := s.BaseURL(r) + webhooksPath
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// samples are the event types of the sample lists by the ends of their paths.
var samples = map[string]string{
	"course-completion":      engine.SkilljarCourseCompletion,
	"course-enrollment":      engine.SkilljarCourseEnrollment,
	"dashboard-task-created": engine.SkilljarDashboardTaskCreated,
	"domain-enrollment":      engine.SkilljarDomainEnrollment,
	"lesson-completion":      engine.SkilljarLessonCompletion,
	"path-completion":        engine.SkilljarPathCompletion,
	"path-enrollment":        engine.SkilljarPathEnrollment,
	"purchase-fulfillment":   engine.SkilljarPurchaseFulfillment,
	"quiz-completion":        engine.SkilljarQuizCompletion,
	"vilt-registration":      engine.SkilljarVILTRegistration,
}

// sample answers with a list of one event: the latest one of that type that the key's consumer sees, or a made-up one.
func (s *server) sample(c *call, code string) error {
	data, err := s.latest(c.r.Context(), code, c.key.ConsumerID)
	if err != nil {
		return err
	}
	if data == nil {
		kind, _ := engine.BuiltIn.Find(code) // the built-in ones are always there
		data = kind.Sample()
	}
	writeJSON(c.w, http.StatusOK, map[string][]json.RawMessage{"results": {data}})
	return nil
}

// latest returns the data of the latest event of a type that is no test; nil when there is none.
func (s *server) latest(ctx context.Context, code string, consumer engine.ConsumerID) (json.RawMessage, error) {
	found, err := s.Store.ListEvents(ctx, engine.EventFilter{Type: code, ConsumerID: consumer, Test: new(false), Limit: 1})
	if err != nil || len(found.Rows) == 0 {
		return nil, err
	}
	event, err := s.Store.Event(ctx, found.Rows[0].ID)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil // it was deleted meanwhile
	}
	return event.Data, err
}
