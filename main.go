// Command labhook is a webhook server for lab and training platforms: it accepts their events, stores them, and
// delivers each one to the webhooks that listen, with the delay, timeout and retries that each webhook asks for.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"labhook/web/cli"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "0.1.0"

func main() {
	// The first signal ends the command in order. After it the signals act as ever, so that a second one
	// ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], cli.Env{
		Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Terminal: isTerminal(os.Stdout), Colour: showsColours(os.Stdout), Version: version,
	}))
}

// run does what the arguments ask for, prints what went wrong as one clear line, and returns the exit code.
func run(ctx context.Context, args []string, env cli.Env) int {
	err := cli.Run(ctx, env, args)
	if _, printed := errors.AsType[*cli.ExitError](err); err != nil && !printed && !errors.Is(err, cli.ErrHelp) {
		fmt.Fprintf(env.Stderr, "labhook: %s\n", err)
	}
	return cli.ExitCode(err)
}

// showsColours reports whether f is a terminal whose user did not switch colours off (https://no-color.org).
func showsColours(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
