package cli

import (
	"errors"
	"net/http"
	"strconv"
)

// Exit codes that every command has. 2 is what shells use for a command line that is not understood.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2
	exitNoServer = 6
	exitNotFound = 7
)

// Exit codes of single commands. Of several events or deliveries the highest one counts.
const (
	exitNotifyUser = 3 // send --wait, beside 0 for engine.ActionContinue
	exitReceiver   = 3 // webhooks ping and test, beside 0 when the receiver took the request
	exitOutdated   = 3 // migrate --check
	exitEndLab     = 4 // send --wait
	exitNoVerdict  = 5 // send --wait: the time was over
)

// ExitCodes says what the exit codes mean, for the help.
var ExitCodes = []struct {
	Code    int
	Meaning string
}{
	{exitOK, "all went well; send --wait: the lab goes on"},
	{exitError, "it failed, and standard error says why"},
	{exitUsage, "the command line was not understood, and nothing was done"},
	{exitReceiver, "send --wait: notify the user; webhooks ping, test: the receiver failed; migrate --check: the schema is old"},
	{exitEndLab, "send --wait: end the lab"},
	{exitNoVerdict, "send --wait: no verdict in that time"},
	{exitNoServer, "the server was not reached, or answered 502, 503 or 504: try again"},
	{exitNotFound, "the server has nothing under that id, or the key does not see it"},
}

// ExitError ends the program with a code of the command's own. What there is to say was printed.
type ExitError struct{ Code int }

// Error names the code.
func (e *ExitError) Error() string { return "exit code " + strconv.Itoa(e.Code) }

// ExitCode returns the exit code that an error of Run stands for.
func ExitCode(err error) int {
	if err == nil || errors.Is(err, ErrHelp) {
		return exitOK
	}
	if _, ok := errors.AsType[*UsageError](err); ok {
		return exitUsage
	}
	if e, ok := errors.AsType[*ExitError](err); ok {
		return e.Code
	}
	if _, ok := errors.AsType[*unreachable](err); ok {
		return exitNoServer
	}
	if p, ok := errors.AsType[*problem](err); ok {
		switch p.Status {
		case http.StatusNotFound:
			return exitNotFound
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return exitNoServer
		}
	}
	return exitError
}
