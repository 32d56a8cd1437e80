// Package cli holds the commands of the program, one file each. It is the outermost layer: what a person or a
// service manager asks for on the command line is turned into calls of web, db and engine.
//
// Place in the flow: main chooses a command and hands it an Env; serve and demo put the server together (server.go),
// key opens the data directory beside it, send is a client of its API (client.go), listen a receiver at the far end.
// Nothing else in the program reads flags or the environment.
package cli

import (
	"errors"
	"io"
	"strings"
)

// Env is what a command gets from the process.
type Env struct {
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal: stdout is one. Colour: it shows colours.
	Terminal, Colour bool
	Version          string
	describe         func(*flags) // not nil: a command hands over its flags and does nothing
}

// UsageError is a mistake on the command line: the exit code is 2, and the command's help is pointed to.
type UsageError struct {
	Command string
	Problem string
}

// Error is one line for the person who typed the command.
func (e *UsageError) Error() string {
	return e.Problem + "\nRun '" + strings.TrimSpace("labhook help "+e.Command) + "' for help."
}

// ErrHelp is returned by a command that was asked for its help and has printed it.
var ErrHelp = errors.New("help was printed")
