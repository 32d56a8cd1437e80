package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of the client.
const (
	clientTimeout = 30 * time.Second // beside the time that the server was asked to wait
	maxAnswer     = 4 << 20          // bytes of one answer that are read
)

// client calls the REST API of a server.
type client struct {
	base      string // such as http://127.0.0.1:8080
	key       string
	userAgent string
	http      *http.Client
}

func newClient(base, key, version string) *client {
	return &client{
		base: strings.TrimSuffix(base, "/"), key: key, userAgent: "labhook/" + version,
		http: &http.Client{Timeout: clientTimeout},
	}
}

// problem is what the API answers when it refuses (RFC 9457).
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

// Error is the detail, or a line for each field that is wrong.
func (p *problem) Error() string {
	if len(p.Errors) == 0 {
		return fmt.Sprintf("the server answered %d: %s", p.Status, cmp.Or(p.Detail, p.Title))
	}
	lines := []string{fmt.Sprintf("the server answered %d: %s", p.Status, p.Title)}
	for _, e := range p.Errors {
		lines = append(lines, "  "+e.Field+": "+e.Message)
	}
	return strings.Join(lines, "\n")
}

// do sends a request with in as its JSON body, nil for none, reads the answer's JSON into out, nil for none, and
// returns the status. A refusal is a *problem.
func (c *client) do(ctx context.Context, verb, path string, in, out any) (int, error) {
	var body bytes.Buffer
	if in != nil {
		text := json.NewEncoder(&body)
		text.SetEscapeHTML(false) // an event's data go out as they were given
		if err := text.Encode(in); err != nil {
			return 0, fmt.Errorf("write request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, verb, c.base+path, &body)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, reachError(c.base, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return res.StatusCode, fmt.Errorf("read answer of %s: %w", c.base, err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return res.StatusCode, readProblem(res.StatusCode, answer)
	}
	if out == nil {
		return res.StatusCode, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return res.StatusCode, fmt.Errorf("read answer of %s: %w", c.base, err)
	}
	return res.StatusCode, nil
}

// reachError says that the server was not reached, without the words of the HTTP client around the cause.
func reachError(base string, err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	return &unreachable{base, err}
}

// unreachable: no answer came from a server.
type unreachable struct {
	base  string
	cause error
}

// Error names the server and the cause.
func (e *unreachable) Error() string { return fmt.Sprintf("reach %s: %s", e.base, e.cause) }

// Unwrap returns the cause.
func (e *unreachable) Unwrap() error { return e.cause }

func readProblem(status int, answer []byte) *problem {
	p := &problem{}
	if json.Unmarshal(answer, p) != nil || p.Title == "" && p.Detail == "" {
		p = &problem{Title: http.StatusText(status)}
	}
	p.Status = status
	return p
}
