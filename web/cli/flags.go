package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
	"labhook/engine/egress"
)

// envPrefix starts the names of all environment variables that Labhook reads.
const envPrefix = "LABHOOK_"

// flags are the flags of one command. Those named in fromEnv may also be given in the environment: --public-url as
// LABHOOK_PUBLIC_URL, or as a file's content, named in LABHOOK_PUBLIC_URL_FILE. The command line wins.
type flags struct {
	*flag.FlagSet
	env     Env
	summary string
	fromEnv []string
	sources map[string]string // by name, where the values come from that are not the defaults
	// arguments name what must stand beside the flags, in any place; given is what stood there. The last one may come
	// several times when it ends with dots, and may be missing when it is in brackets.
	arguments, given []string
	// choices are the values that a flag or an argument, by its name, may have, for completion. Others may be right, too.
	choices map[string][]string
	example string // of the command, for its help; empty: none
	details string // lines below the example; empty: none
}

// newFlags returns the flags of the command, whose summary is one sentence for its help.
func newFlags(env Env, command, summary string) *flags {
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(io.Discard) // parse reports errors and help itself
	set.Usage = func() {}
	return &flags{FlagSet: set, env: env, summary: summary, sources: map[string]string{}, choices: map[string][]string{}}
}

// parse reads the arguments, and the environment for what they do not set. The error is ErrHelp or a UsageError.
func (f *flags) parse(args []string) error {
	if f.env.describe != nil {
		f.env.describe(f)
		return ErrHelp
	}
	err := f.Parse(args)
	for err == nil && f.NArg() > 0 && (len(f.given) < len(f.arguments) || f.lastArgument("...")) {
		f.given = append(f.given, f.Arg(0))
		err = f.Parse(f.Args()[1:])
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.printHelp()
		return ErrHelp
	case err != nil:
		return f.misspelt(err)
	case f.NArg() > 0:
		return f.problem("unexpected argument %q", f.Arg(0))
	case len(f.given) < len(f.arguments) && !strings.HasPrefix(f.arguments[len(f.given)], "["):
		return f.problem("name the %s: labhook %s %s", f.arguments[len(f.given)], f.Name(), strings.Join(f.arguments, " "))
	}
	f.Visit(func(set *flag.Flag) { f.sources[set.Name] = "flag" })
	for _, name := range f.fromEnv {
		if f.sources[name] != "" {
			continue
		}
		if err := f.readEnv(name); err != nil {
			return err
		}
	}
	return nil
}

// lastArgument reports whether the name of the last argument has a mark in it.
func (f *flags) lastArgument(mark string) bool {
	n := len(f.arguments)
	return n > 0 && strings.Contains(f.arguments[n-1], mark)
}

// misspelt returns an error of the flag package as a UsageError, for an unknown flag with the one that was probably meant.
func (f *flags) misspelt(err error) error {
	name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok {
		return f.problem("%s", f.unreadable(err))
	}
	var names []string
	f.VisitAll(func(one *flag.Flag) { names = append(names, one.Name) })
	if meant := nearest(name, names); meant != "" {
		return f.problem("there is no flag --%s; did you mean --%s?", name, meant)
	}
	return f.problem("there is no flag --%s", name)
}

// unreadable returns what the flag package says about a value in the words of this program, with what it must be.
func (f *flags) unreadable(err error) string {
	text := strings.Replace(err.Error(), "\" for -", "\" for flag -", 1) // of a bool
	before, after, ok := strings.Cut(text, "\" for flag -")
	if !ok {
		return err.Error()
	}
	name, reason, _ := strings.Cut(after, ": ")
	if one := f.Lookup(name); one != nil && reason == "parse error" {
		switch one.Value.(flag.Getter).Get().(type) {
		case int, int64:
			reason = "it must be a whole number"
		case time.Duration:
			reason = "it must be a time such as 10s or 2m"
		case bool:
			reason = "it must be true or false"
		}
	}
	return before + "\" for flag --" + name + ": " + reason
}

// checkServer returns a UsageError unless text is the URL of a server.
func (f *flags) checkServer(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return f.problem("--url: %q is no URL of a server, such as %s", text, DefaultServer)
	}
	return nil
}

// problem returns a UsageError of the command.
func (f *flags) problem(format string, args ...any) error {
	return &UsageError{Command: f.Name(), Problem: fmt.Sprintf(format, args...)}
}

// invalid returns what engine says about values as a UsageError that names the flags. Any other error comes back as it is.
func (f *flags) invalid(err error) error {
	bad, ok := errors.AsType[engine.InvalidError](err)
	if !ok {
		return err
	}
	lines := make([]string, len(bad))
	for i, one := range bad {
		name := strings.ReplaceAll(one.Field, "_", "-")
		if f.Lookup(name) != nil {
			name = "--" + name
		}
		lines[i] = name + ": " + one.Message
	}
	return f.problem("%s", strings.Join(lines, "\n"))
}

func (f *flags) readEnv(name string) error {
	variable, source := envName(name), "environment"
	value := f.env.Getenv(variable)
	if file := f.env.Getenv(variable + "_FILE"); value == "" && file != "" {
		variable, source = variable+"_FILE", "file"
		content, err := os.ReadFile(file)
		if err != nil {
			return f.problem("%s: %s", variable, err)
		}
		value = strings.TrimSpace(string(content))
	}
	if value == "" {
		return nil
	}
	if err := f.Set(name, value); err != nil {
		return f.problem("%s: %s", variable, err)
	}
	f.sources[name] = source
	return nil
}

// source says where the value of a flag comes from: flag, environment, file or default.
func (f *flags) source(name string) string { return cmp.Or(f.sources[name], "default") }

func envName(flagName string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// printHelp lists the flags with their defaults and environment variables.
func (f *flags) printHelp() {
	fmt.Fprintf(f.env.Stdout, "labhook %s: %s\n", strings.Join(append([]string{f.Name()}, f.arguments...), " "), f.summary)
	if f.example != "" {
		fmt.Fprintf(f.env.Stdout, "\nExample:\n  %s\n", f.example)
	}
	if f.details != "" {
		fmt.Fprintf(f.env.Stdout, "\n%s\n", f.details)
	}
	none := true
	f.VisitAll(func(one *flag.Flag) {
		if none {
			fmt.Fprint(f.env.Stdout, "\nFlags:\n")
			none = false
		}
		value, usage := flag.UnquoteUsage(one)
		fmt.Fprintf(f.env.Stdout, "  %s\n        %s", strings.TrimSpace("--"+one.Name+" "+value), usage)
		if one.DefValue != "" && one.DefValue != "false" && one.DefValue != "0" {
			fmt.Fprintf(f.env.Stdout, " (default %s)", one.DefValue)
		}
		if slices.Contains(f.fromEnv, one.Name) {
			fmt.Fprintf(f.env.Stdout, " [%s]", envName(one.Name))
		}
		fmt.Fprintln(f.env.Stdout)
	})
}

// networks is a flag with addresses or networks, separated by commas.
type networks []netip.Prefix

func (n *networks) String() string { return egress.FormatNetworks(*n) }

// Set replaces the list.
func (n *networks) Set(text string) (err error) {
	*n, err = egress.ParseNetworks(text)
	return err
}

// expiry is a flag with a moment in the future: "90d", "12h", "2027-01-31" or an RFC 3339 time. Zero is never.
type expiry struct{ time.Time }

func (e *expiry) String() string { return timeText(e.Time) }

// timeText writes the value of a flag that is a time; "" for the zero one.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Set reads the moment; spans count from now.
func (e *expiry) Set(text string) error {
	now := time.Now().UTC().Truncate(time.Second)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil {
			e.Time = now.AddDate(0, 0, n)
			return e.checkFuture(now)
		}
	}
	if span, err := time.ParseDuration(text); err == nil {
		e.Time = now.Add(span)
		return e.checkFuture(now)
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			e.Time = t.UTC()
			return e.checkFuture(now)
		}
	}
	return fmt.Errorf("%q is not a time such as 90d, 12h or 2027-01-31", text)
}

func (e *expiry) checkFuture(now time.Time) error {
	if !e.After(now) {
		return fmt.Errorf("%s has passed already", e.String())
	}
	return nil
}

// pairs is a flag that may be given several times, each time as name=value.
type pairs [][2]string

func (p *pairs) String() string { return "" }

// Set adds a pair.
func (p *pairs) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is not of the form Name=value", text)
	}
	*p = append(*p, [2]string{name, value})
	return nil
}
