// Command labhook is a webhook server for lab and training platforms: it accepts their events, stores them, and
// delivers each one to the webhooks that listen, with the delay, timeout and retries that each webhook asks for.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"labhook/web/cli"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "0.1.0"

// Exit codes. 2 is what shells and the flag package use for a command line that is not understood. A command may have
// others of its own, from 3 on.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// command is one thing that the program does.
type command struct {
	name    string
	summary string
	run     func(context.Context, cli.Env, []string) error
}

// commands lists them in the order of the help.
var commands = []command{
	{"serve", "run the server (also without a command)", cli.Serve},
	{"demo", "run the server with a simulated lab platform, for a look around", cli.Demo},
	{"listen", "run a receiver to test webhooks against", cli.Listen},
	{"send", "post an event to a server", cli.Send},
	{"webhooks", "list the webhooks of a server, and test them", cli.Webhooks},
	{"key", "make an API key on the host: key create", cli.Key},
	{"bench", "measure what this host can do", cli.Bench},
	{"version", "print the version", cli.Version},
}

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

// run does what the arguments ask for and returns the exit code.
func run(ctx context.Context, args []string, env cli.Env) int {
	name := "serve"
	switch {
	case len(args) > 0 && (args[0] == "help" || isHelp(args[0])):
		printCommands(env.Stdout)
		return exitOK
	case len(args) > 0 && !strings.HasPrefix(args[0], "-"):
		name, args = args[0], args[1:]
	}
	for _, c := range commands {
		if c.name == name {
			return report(env.Stderr, c.run(ctx, env, args))
		}
	}
	fmt.Fprintf(env.Stderr, "labhook: there is no command %q\nRun 'labhook help' for the commands.\n", name)
	return exitUsage
}

// report prints an error as one clear line and returns the exit code that goes with it.
func report(stderr io.Writer, err error) int {
	if err == nil || errors.Is(err, cli.ErrHelp) {
		return exitOK
	}
	if exit, ok := errors.AsType[*cli.ExitError](err); ok {
		return exit.Code
	}
	fmt.Fprintf(stderr, "labhook: %s\n", err)
	if _, ok := errors.AsType[*cli.UsageError](err); ok {
		return exitUsage
	}
	return exitError
}

func isHelp(arg string) bool { return arg == "-h" || arg == "--help" || arg == "-help" }

func printCommands(w io.Writer) {
	fmt.Fprint(w, "Labhook is a webhook server for lab and training platforms.\n\nlabhook [COMMAND] [FLAGS]\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n'labhook COMMAND -h' lists the flags of a command.\n")
}

// showsColours reports whether f is a terminal whose user did not switch colours off (https://no-color.org).
func showsColours(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
