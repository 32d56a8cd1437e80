package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"labhook/engine/receiver"
)

// DefaultReceiver is the address that listen opens.
const DefaultReceiver = "127.0.0.1:9000"

// Listen runs a receiver that prints each request, until ctx ends or the wanted number of requests has come.
func Listen(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, "listen", "a receiver on this host that prints each request and answers as it is told")
	addr := f.String("listen", DefaultReceiver, "`ADDRESS` and port to listen on; without a host, this host only")
	answer := f.String("answer", "200", "`SCRIPT` that each delivery walks: \"503 twice, then 200\", \"200 after 2s\", drop, \"random 10% 503\"")
	delay := f.Duration("delay", 0, "`TIME` to wait before every answer")
	hang := f.Bool("hang", false, "never answer")
	quiet := f.Bool("quiet", false, "one line for each request, without its headers and body")
	asJSON := f.Bool("json", false, "one JSON object in a line for each request")
	var v verifier
	f.Var(&v.secrets, "secret", "`SECRET` of a webhook, whsec_… or whpk_…, to check signatures with; may be given several times")
	f.StringVar(&v.header, "signature-header", "", "`NAME` of the header with a hex signature of the body, in place of Standard Webhooks")
	f.BoolVar(&v.require, "require-signature", false, "answer 401 to requests that none of the secrets signed")
	forward := f.String("forward", "", "`URL` to send each request on to, its path behind that of the URL; the answer is that of the target, or 502")
	count := f.Int("count", 0, "`NUMBER` of requests to end after; without it, Ctrl+C ends")
	f.example = `labhook listen --answer "503 twice, then 200" --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`
	if err := f.parse(args); err != nil {
		return err
	}
	script, err := receiver.ParseScript(*answer)
	switch {
	case err != nil:
		return f.problem("--answer: %s", err)
	case *delay < 0 || *delay > receiver.MaxDelay:
		return f.problem("--delay must be a time such as 2s, at most %s", receiver.MaxDelay)
	case *count < 0:
		return f.problem("--count must not be negative")
	case v.problem() != "":
		return f.problem("%s", v.problem())
	case *forward != "" && (*hang || f.sources["answer"] != ""):
		return f.problem("--forward gives the answers of its target, so leave out --answer and --hang")
	}
	if *hang {
		script = receiver.Always(receiver.Answer{Hang: true})
	}
	for i := range script {
		script[i].Answer.Delay = max(script[i].Answer.Delay, *delay)
	}
	p := requestPrinter{w: env.Stdout, paint: painter(env.Colour), quiet: *quiet, json: *asJSON}
	o := listenOptions{Options: receiver.Options{Script: script, Inspect: v.inspect}, count: *count}
	if *forward != "" {
		if o.forward, err = newForwarder(*forward); err != nil {
			return f.problem("--forward: %s", err)
		}
		o.Respond = o.forward.respond
	}
	return listen(ctx, env, *addr, o, p)
}

// listenOptions is what listen was asked for.
type listenOptions struct {
	receiver.Options
	count   int        // of requests to end after; 0: none
	forward *forwarder // nil: the script answers
}

func listen(ctx context.Context, env Env, addr string, o listenOptions, p requestPrinter) error {
	enough, printed := make(chan struct{}), 0
	o.OnRequest = func(req receiver.Request) {
		if printed++; o.count > 0 && printed > o.count {
			return
		}
		p.print(req)
		if printed == o.count {
			close(enough)
		}
	}
	r := receiver.New(o.Options)
	// The receiver runs in a server of its own, which can let the last answer finish.
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--listen: %q is not an address and port such as %s", addr, DefaultReceiver)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port))
	if err != nil {
		return fmt.Errorf("%w; --listen chooses another address", err)
	}
	answers := o.Script.String()
	if o.forward != nil {
		answers = "by " + o.forward.target.String()
		if o.forward.leadsTo(listener.Addr()) {
			return errors.Join(errors.New("--forward leads back to this receiver; name another URL"), listener.Close())
		}
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintf(env.Stderr, "Listening on http://%s. Every path and verb is answered: %s. Ctrl+C ends.\n", listener.Addr(), answers)
	select {
	case err = <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	case <-enough:
		finishing, cancel := context.WithTimeout(ctx, lastAnswer(o.Script))
		defer cancel()
		_ = server.Shutdown(finishing) // an answer that takes longer hangs, and is cut off below
	}
	return errors.Join(r.Close(), server.Close())
}

// lastAnswer is how long the last answer may take: its script's longest pause and the time to write it.
func lastAnswer(script receiver.Script) time.Duration {
	longest := time.Second
	for _, step := range script {
		longest = max(longest, step.Answer.Delay+time.Second)
	}
	return longest
}
