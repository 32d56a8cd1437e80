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

// askPassword asks twice, without showing what is typed.
func askPassword(ctx context.Context, env Env, login string) (string, error) {
	in, ok := env.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", errors.New("there is no terminal to ask for the password; name a file with --password-file, or - for standard input")
	}
	first, err := typed(ctx, env, in, "Password of "+printable(login)+": ")
	if err != nil {
		return "", err
	}
	second, err := typed(ctx, env, in, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return first, nil
}

// typed returns what is typed until Enter. When ctx ends before, the terminal shows again what is typed.
func typed(ctx context.Context, env Env, in *os.File, question string) (string, error) {
	fmt.Fprint(env.Stderr, question)
	defer fmt.Fprintln(env.Stderr)
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	type answer struct {
		password []byte
		err      error
	}
	answered := make(chan answer, 1)
	go func() {
		password, err := term.ReadPassword(int(in.Fd()))
		answered <- answer{password, err}
	}()
	select {
	case a := <-answered:
		if a.err != nil {
			return "", fmt.Errorf("read password: %w", a.err)
		}
		return string(a.password), nil
	case <-ctx.Done():
		return "", errors.Join(errors.New("interrupted; nothing was changed"), term.Restore(int(in.Fd()), before))
	}
}
