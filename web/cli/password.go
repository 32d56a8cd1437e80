package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"labhook/engine"
	"labhook/web"
)

// maxPasswordFile is how much of a password file is read, in bytes.
const maxPasswordFile = 4 << 10

// addPasswordFlag adds the flag that says where a password comes from. The function that it returns reads the password
// of a login and returns its hash.
func addPasswordFlag(f *flags) func(ctx context.Context, login string) (hash string, err error) {
	file := f.String("password-file", "", "`FILE` whose first line is the password, - for standard input; without it the terminal asks")
	return func(ctx context.Context, login string) (string, error) {
		password, err := f.readPassword(ctx, *file, login)
		if err != nil {
			return "", err
		}
		if err := engine.ValidatePassword(password); err != nil {
			return "", f.invalid(err)
		}
		return web.HashPassword(password)
	}
}

func (f *flags) readPassword(ctx context.Context, file, login string) (string, error) {
	switch file {
	case "":
		return askPassword(ctx, f.env, login)
	case "-":
		return firstLine(f.env.Stdin)
	}
	opened, err := os.Open(file)
	if err != nil {
		return "", f.problem("--password-file: %s", err)
	}
	defer opened.Close() // it was only read
	return firstLine(opened)
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxPasswordFile)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// errInterrupted: Ctrl+C or Ctrl+D in the place of a password, or a signal.
var errInterrupted = errors.New("interrupted; nothing was changed")

// askPassword asks twice, without showing what is typed.
func askPassword(ctx context.Context, env Env, login string) (string, error) {
	in, ok := env.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", errors.New("there is no terminal to ask for the password; name a file with --password-file, or - for standard input")
	}
	// Nothing must be shown from before the question on, or quick fingers would be seen.
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	type answer struct {
		password string
		err      error
	}
	answered := make(chan answer, 1)
	go func() {
		password, err := typedTwice(env, in, login)
		answered <- answer{password, err}
	}()
	var a answer
	select {
	case a = <-answered:
	case <-ctx.Done():
		a.err = errInterrupted
	}
	return a.password, errors.Join(a.err, term.Restore(int(in.Fd()), before))
}

func typedTwice(env Env, in *os.File, login string) (string, error) {
	terminal := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, env.Stderr}, "")
	var typed [2]string
	for i, question := range []string{"Password of " + printable(login) + ": ", "The same again: "} {
		var err error
		if typed[i], err = terminal.ReadPassword(question); errors.Is(err, io.EOF) {
			return "", errInterrupted
		} else if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return typed[0], nil
}
