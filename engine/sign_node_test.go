package engine_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/receiver"
)

// nodeCheck is a request for testdata/verify.cjs.
type nodeCheck struct {
	Package string            `json:"package"`
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`

	what    string
	refused bool // the package should refuse it
}

// TestNodePackagesTakeDeliveries has the npm packages standardwebhooks and svix check what deliveries carried. It needs
// Node, and in LABHOOK_NODE_MODULES a folder with node_modules that holds both; LABHOOK_NODE=required makes it a failure
// when they are missing.
func TestNodePackagesTakeDeliveries(t *testing.T) {
	t.Parallel()
	node, modules := nodeFor(t)
	var checks []nodeCheck
	for _, names := range []engine.SigningNames{engine.NamesWebhook, engine.NamesSvix, engine.NamesBoth} {
		l := newLoopback(t)
		packages := []string{"standardwebhooks", "svix"}
		if names == engine.NamesSvix {
			packages = packages[1:]
		}
		add := func(what string, req receiver.Request, refused bool, secrets ...engine.Secret) {
			for _, secret := range secrets {
				for _, name := range packages {
					checks = append(checks, nodeChecks(name, string(names)+" "+what, secret, req, refused)...)
				}
			}
		}
		w := l.signed(engine.Signing{Scheme: engine.SigningV1, Names: names})
		first := w.Signing.Secret
		add("plain", l.deliver(), false, first)
		second := l.rotate(w.ID, time.Hour)
		add("rotating", l.deliver(), false, first, second)
		third := l.rotate(w.ID, 0)
		req := l.deliver()
		add("rotated", req, false, third)
		add("secret before", req, true, first, second)
	}
	l := newLoopback(t)
	w := l.signed(engine.Signing{Scheme: engine.SigningV1a})
	first := w.Signing.PublicKey()
	checks = append(checks, nodeChecks("crypto", "v1a", engine.Secret(first), l.deliver(), false)...)
	w.Signing.Secret = l.rotate(w.ID, time.Hour)
	req := l.deliver()
	for _, public := range []string{first, w.Signing.PublicKey()} {
		checks = append(checks, nodeChecks("crypto", "v1a rotating", engine.Secret(public), req, false)...)
	}

	for i, problem := range runNode(t, node, modules, checks) {
		c := &checks[i]
		if (problem != "") != c.refused || strings.Contains(problem, "Cannot find module") {
			t.Errorf("%s with %s: %q", c.Package, c.what, problem)
		}
	}
	if len(checks) < 50 {
		t.Errorf("only %d requests were checked", len(checks))
	}
}

// nodeChecks returns a request, and what must be refused of it: another byte, id, time or signature.
func nodeChecks(name, what string, secret engine.Secret, req receiver.Request, refused bool) []nodeCheck {
	check := func(what string, h http.Header, body []byte, refused bool) nodeCheck {
		headers := map[string]string{}
		for name := range h {
			headers[strings.ToLower(name)] = h.Get(name)
		}
		return nodeCheck{Package: name, Secret: secret.Reveal(), Headers: headers, Body: body, what: what, refused: refused}
	}
	checks := []nodeCheck{check(what, req.Header, req.Body, refused)}
	for other, changed := range tampered(req.Header, req.Body) {
		checks = append(checks, check(what+", another "+other, changed.header, changed.body, true))
	}
	return checks
}

// nodeFor returns where Node and the packages are, or skips the test.
func nodeFor(t *testing.T) (node, modules string) {
	t.Helper()
	modules = os.Getenv("LABHOOK_NODE_MODULES")
	node, err := exec.LookPath("node")
	switch {
	case err == nil && modules != "":
		return node, modules
	case os.Getenv("LABHOOK_NODE") == "required":
		t.Fatalf("LABHOOK_NODE=required, but Node or LABHOOK_NODE_MODULES is missing: %v", err)
	}
	t.Skip("needs Node, and in LABHOOK_NODE_MODULES a folder with the npm packages standardwebhooks and svix")
	return "", ""
}

// runNode returns what is wrong with each request, "" for what is accepted.
func runNode(t *testing.T, node, modules string, checks []nodeCheck) []string {
	t.Helper()
	input, err := json.Marshal(checks)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), node, "testdata/verify.cjs", modules)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	var problems []string
	if err := json.Unmarshal(output, &problems); err != nil || len(problems) != len(checks) {
		t.Fatalf("node printed %q: %v", output, err)
	}
	return problems
}
