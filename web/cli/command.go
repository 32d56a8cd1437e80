package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Command is one thing that the program does, or a word with commands below it.
type Command struct {
	Name    string
	Summary string
	Run     func(context.Context, Env, []string) error // nil: the command is one of Below
	Below   []Command
}

// Commands lists what the program does, in the order of the help.
func Commands() []Command {
	return []Command{
		{Name: "serve", Summary: "run the server (also without a command)", Run: Serve},
		{Name: "demo", Summary: "run the server with a simulated lab platform, for a look around", Run: Demo},
		{Name: "listen", Summary: "run a receiver to test webhooks against", Run: Listen},
		{Name: "send", Summary: "post an event to a server", Run: Send},
		{Name: "events", Summary: "list the events of a server, and show one", Below: eventCommands},
		{Name: "deliveries", Summary: "list the deliveries of a server, show, resend and cancel them", Below: deliveryCommands},
		{Name: "webhooks", Summary: "list the webhooks of a server, and test them", Below: webhookCommands},
		{Name: "key", Summary: "make an API key on the host", Below: keyCommands},
		{Name: "setup-link", Summary: "print again the link that makes the first user", Run: SetupLink},
		{Name: "user", Summary: "make and change the users of the screens, on the host", Below: userCommands},
		{Name: "backup", Summary: "write the data of a server, running or not, into one file", Run: Backup},
		{Name: "restore", Summary: "put a backup into a new data directory", Run: Restore},
		{Name: "migrate", Summary: "bring the schema of a database up to date, or check it", Run: Migrate},
		{Name: "bench", Summary: "measure what this host can do", Run: Bench},
		{Name: "completion", Summary: "print a completion script for bash, zsh or fish", Run: Completion},
		{Name: "version", Summary: "print the version", Run: Version},
		{Name: "help", Summary: "explain a command, with an example", Run: Help},
	}
}

// Run does what the arguments ask for; without a command it serves. ExitCode tells what the error means to a script.
func Run(ctx context.Context, env Env, args []string) error {
	switch {
	case len(args) > 0 && isHelp(args[0]):
		printOverview(env.Stdout)
		return ErrHelp
	case len(args) == 0 || strings.HasPrefix(args[0], "-"):
		args = append([]string{"serve"}, args...)
	}
	return Command{Below: Commands()}.run(ctx, env, args)
}

// run runs the command that the first words of args name.
func (c Command) run(ctx context.Context, env Env, args []string) error {
	if c.Run != nil {
		return c.Run(ctx, env, args)
	}
	if len(args) == 0 {
		return &UsageError{Command: c.Name, Problem: "say what to do: labhook " + c.Name + " " + oneOf(c.Below, "or")}
	}
	if isHelp(args[0]) {
		c.printBelow(env.Stdout)
		return ErrHelp
	}
	for _, below := range c.Below {
		if below.Name == args[0] {
			below.Name = strings.TrimSpace(c.Name + " " + below.Name)
			return below.run(ctx, env, args[1:])
		}
	}
	return c.unknown(args[0])
}

// unknown returns the error about a word that is no command, with the one that was probably meant.
func (c Command) unknown(word string) error {
	names := make([]string, len(c.Below))
	for i, below := range c.Below {
		names[i] = below.Name
	}
	problem := fmt.Sprintf("there is no command %q", strings.TrimSpace(c.Name+" "+word))
	if meant := nearest(word, names); meant != "" {
		problem += fmt.Sprintf("; did you mean %q?", strings.TrimSpace(c.Name+" "+meant))
	} else if c.Name != "" {
		problem += "; there is " + oneOf(c.Below, "and")
	}
	return &UsageError{Command: c.Name, Problem: problem}
}

// oneOf lists the names of commands: "list, ping or test".
func oneOf(commands []Command, last string) string {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.Name
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + last + " " + names[len(names)-1]
}

// printBelow prints the commands below a word.
func (c Command) printBelow(w io.Writer) {
	fmt.Fprintf(w, "labhook %s: %s\n\n", c.Name, c.Summary)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, below := range c.Below {
		usage := append([]string{"labhook", c.Name, below.Name}, below.flags().arguments...)
		fmt.Fprintf(table, "  %s\t%s\n", strings.Join(usage, " "), below.Summary)
	}
	_ = table.Flush() // whoever closed stdout wants no more
	fmt.Fprintf(w, "\n'labhook help %s %s' lists the flags of %s, with an example.\n", c.Name, c.Below[0].Name, c.Below[0].Name)
}

// flags returns the flags of a command, without running it.
func (c Command) flags() *flags {
	var described *flags
	env := Env{Getenv: func(string) string { return "" }, Stdout: io.Discard, Stderr: io.Discard}
	env.describe = func(f *flags) { described = f }
	_ = c.Run(context.Background(), env, nil) // parse ends it with ErrHelp
	return described
}

// find returns the command that words name, and the words that name nothing below it.
func (c Command) find(words []string) (found Command, rest []string) {
	if len(words) == 0 {
		return c, nil
	}
	for _, below := range c.Below {
		if below.Name == words[0] {
			below.Name = strings.TrimSpace(c.Name + " " + below.Name)
			return below.find(words[1:])
		}
	}
	return c, words
}

// Help explains the command that the arguments name, or lists all.
func Help(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, "help", "explain a command, with an example")
	f.arguments = []string{"[COMMAND...]"}
	f.example = "labhook help deliveries list"
	if err := f.parse(args); err != nil {
		return err
	}
	if len(f.given) == 0 {
		printOverview(env.Stdout)
		return nil
	}
	c, rest := Command{Below: Commands()}.find(f.given)
	if len(rest) > 0 && c.Run == nil {
		return c.unknown(rest[0])
	}
	err := c.run(ctx, env, []string{"-h"})
	if errors.Is(err, ErrHelp) {
		return nil
	}
	return err
}

func isHelp(arg string) bool { return arg == "-h" || arg == "--help" || arg == "-help" }

// printOverview lists the commands and the exit codes.
func printOverview(w io.Writer) {
	fmt.Fprint(w, "Labhook is a webhook server for lab and training platforms.\n\nlabhook [COMMAND] [FLAGS]\n\n")
	for _, c := range Commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.Name, c.Summary)
	}
	fmt.Fprint(w, "\nWhat is listed or shown is a table on a terminal; elsewhere, and with --json, it is JSON, of a list one object a line.\n")
	fmt.Fprint(w, "\nExit codes:\n")
	for _, e := range ExitCodes {
		fmt.Fprintf(w, "  %d  %s\n", e.Code, e.Meaning)
	}
	fmt.Fprint(w, "\n'labhook help COMMAND' lists the flags of a command, with an example.\n")
}

// nearest returns the name that word is probably a slip of; empty: none.
func nearest(word string, names []string) string {
	best, least := "", max(3, len(word)/2) // two slips at most, in long words more
	for _, name := range names {
		slips := distance(word, name)
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			slips = 1
		}
		if slips < least && slips < len(name) {
			best, least = name, slips
		}
	}
	return best
}

// distance counts the letters to insert, remove or replace, and the neighbours to exchange, that make b of a.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
