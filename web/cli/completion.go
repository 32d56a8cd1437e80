package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// shells are those that completion writes a script for.
var shells = []string{"bash", "zsh", "fish"}

// Completion prints a script that lets a shell complete commands, flags and their values.
func Completion(_ context.Context, env Env, args []string) error {
	f := newFlags(env, "completion", "print a script that lets a shell complete commands, flags and their values")
	f.arguments = []string{"SHELL"}
	f.choices["SHELL"] = shells
	f.example = "source <(labhook completion bash)    # zsh: labhook completion zsh > \"${fpath[1]}/_labhook\"; fish: labhook completion fish | source"
	if err := f.parse(args); err != nil {
		return err
	}
	all := words(Command{Below: Commands()})
	var script string
	switch f.given[0] {
	case "bash":
		script = bashScript(all)
	case "zsh":
		script = zshScript(all)
	case "fish":
		script = fishScript(all)
	default:
		return f.problem("there is no shell %q; there are %s", f.given[0], strings.Join(shells, ", "))
	}
	_, err := fmt.Fprint(env.Stdout, script)
	return err
}

// completed is a command as the scripts need it.
type completed struct {
	path      string // "deliveries list"; empty: the program
	summary   string
	below     []Command // commands that may follow
	arguments []string  // values of the arguments that are known, of all of them
	files     bool      // an argument is a file
	flags     []completedFlag
}

// completedFlag is a flag of a command.
type completedFlag struct {
	name, usage string
	bare        bool // it has no value
	values      []string
	files       bool
}

// words lists a command and all below it.
func words(c Command) []completed {
	one := completed{path: c.Name, summary: c.Summary, below: c.Below}
	if c.Run != nil {
		one.describe(c.flags())
		return []completed{one}
	}
	all := []completed{one}
	for _, below := range c.Below {
		below.Name = strings.TrimSpace(c.Name + " " + below.Name)
		all = append(all, words(below)...)
	}
	return all
}

// describe takes over what a command's flags say.
func (c *completed) describe(f *flags) {
	for _, argument := range f.arguments {
		c.arguments = append(c.arguments, f.choices[argument]...)
		c.files = c.files || argument == "FILE"
	}
	if c.path == "help" {
		for _, other := range Commands() {
			c.arguments = append(c.arguments, other.Name)
		}
	}
	f.VisitAll(func(one *flag.Flag) {
		value, usage := flag.UnquoteUsage(one)
		c.flags = append(c.flags, completedFlag{
			name: "--" + one.Name, usage: usage, bare: value == "", values: f.choices[one.Name],
			files: slices.Contains([]string{"FILE", "DIR", "DATA"}, value),
		})
	})
	c.flags = append(c.flags, completedFlag{name: "--help", usage: "list the flags, with an example", bare: true})
}

// next lists the words that may follow the command: commands, or values of its arguments.
func (c *completed) next() []string {
	list := slices.Clone(c.arguments)
	for _, below := range c.below {
		list = append(list, below.Name)
	}
	return list
}

// names lists the flags.
func (c *completed) names() []string {
	list := make([]string, len(c.flags))
	for i, f := range c.flags {
		list[i] = f.name
	}
	return list
}

// quoted writes a text for a POSIX-like shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// bashScript returns the script for bash. The functions that zsh needs are the same but for how they answer.
func bashScript(all []completed) string {
	return "# bash completion of labhook: source <(labhook completion bash)\n" + lookup(all) + `
_labhook() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev='' i answer
  local -a before=()
  # Bash may cut words at = and :, so they are put together again.
  for ((i = 1; i < COMP_CWORD; i++)); do before+=("${COMP_WORDS[i]}"); done
  if [[ $cur == = ]]; then cur=''; fi
  if ((${#before[@]})) && [[ ${before[-1]} == = ]]; then unset 'before[-1]'; fi
  answer=$(_labhook_words "$cur" "${before[@]}")
  if [[ $answer == @files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$answer" -- "$cur")
}
complete -F _labhook labhook
`
}

// zshScript returns the script for zsh.
func zshScript(all []completed) string {
	return "#compdef labhook\n# zsh completion of labhook: labhook completion zsh > \"${fpath[1]}/_labhook\"\n" + lookup(all) + `
_labhook() {
  local answer cur=${words[CURRENT]}
  answer=$(_labhook_words "$cur" "${(@)words[2,CURRENT-1]}")
  if [[ $answer == @files ]]; then
    _files
    return
  fi
  compadd -- ${=answer}
}
if [[ ${funcstack[1]} == _labhook ]]; then
  _labhook "$@"
else
  compdef _labhook labhook
fi
`
}

// lookup returns the function _labhook_words CURRENT BEFORE..., which prints what may stand in the place of the current
// word, or @files. It keeps to what bash and zsh have in common.
func lookup(all []completed) string {
	var b strings.Builder
	b.WriteString("_labhook_words() {\n  local cur=$1 path='' prev='' word\n  shift\n  for word in \"$@\"; do\n    case \"$path $word\" in\n")
	for _, c := range all[1:] {
		at := strings.LastIndexByte(c.path, ' ')
		fmt.Fprintf(&b, "      %s) path=%s ;;\n", quoted(c.path[:max(at, 0)]+" "+c.path[at+1:]), quoted(c.path))
	}
	b.WriteString("    esac\n    prev=$word\n  done\n")
	// Without a command the server is run, so its flags may come first.
	b.WriteString("  if [ -z \"$path\" ]; then\n    case \"$cur/$prev\" in -*|*/-*) path='serve' ;; esac\n  fi\n")
	b.WriteString("  case \"$path $prev\" in\n")
	for _, c := range all {
		for _, f := range c.flags {
			if !f.bare {
				fmt.Fprintf(&b, "    %s) echo %s; return ;;\n", quoted(c.path+" "+f.name), quoted(answerOf(f.values, f.files)))
			}
		}
	}
	b.WriteString("  esac\n  case \"$cur\" in\n    -*)\n      case \"$path\" in\n")
	for _, c := range all {
		if len(c.flags) > 0 {
			fmt.Fprintf(&b, "        %s) echo %s ;;\n", quoted(c.path), quoted(strings.Join(c.names(), " ")))
		}
	}
	b.WriteString("        *) echo '--help' ;;\n      esac\n      return ;;\n  esac\n  case \"$path\" in\n")
	for _, c := range all {
		fmt.Fprintf(&b, "    %s) echo %s ;;\n", quoted(c.path), quoted(answerOf(c.next(), c.files)))
	}
	b.WriteString("  esac\n}\n")
	return b.String()
}

// answerOf is what _labhook_words prints for values.
func answerOf(values []string, files bool) string {
	if files {
		return "@files"
	}
	return strings.Join(values, " ")
}

// fishScript returns the script for fish.
func fishScript(all []completed) string {
	var b strings.Builder
	b.WriteString("# fish completion of labhook: labhook completion fish | source\ncomplete -c labhook -f\n")
	for _, c := range all {
		condition := fishCondition(&c)
		for _, below := range c.below {
			fmt.Fprintf(&b, "complete -c labhook -n %s -a %s -d %s\n", quoted(condition), below.Name, fishQuoted(below.Summary))
		}
		if c.files {
			fmt.Fprintf(&b, "complete -c labhook -n %s -F\n", quoted(condition))
		}
		if len(c.arguments) > 0 {
			fmt.Fprintf(&b, "complete -c labhook -n %s -a %s\n", quoted(condition), fishQuoted(strings.Join(c.arguments, " ")))
		}
		if c.path == "serve" { // its flags may come without it
			condition = "__fish_use_subcommand; or " + condition
		}
		for _, f := range c.flags {
			fmt.Fprintf(&b, "complete -c labhook -n %s -l %s -d %s%s\n", quoted(condition), f.name[2:], fishQuoted(f.usage), fishValue(&f))
		}
	}
	return b.String()
}

// fishCondition holds where a command's words are completed.
func fishCondition(c *completed) string {
	if c.path == "" {
		return "__fish_use_subcommand"
	}
	var parts []string
	for word := range strings.FieldsSeq(c.path) {
		parts = append(parts, "__fish_seen_subcommand_from "+word)
	}
	if len(c.below) > 0 {
		names := make([]string, len(c.below))
		for i, below := range c.below {
			names[i] = below.Name
		}
		parts = append(parts, "not __fish_seen_subcommand_from "+strings.Join(names, " "))
	}
	return strings.Join(parts, "; and ")
}

// fishValue says what the value of a flag may be.
func fishValue(f *completedFlag) string {
	switch {
	case f.bare:
		return ""
	case f.files:
		return " -r -F"
	case len(f.values) > 0:
		return " -x -a " + fishQuoted(strings.Join(f.values, " "))
	}
	return " -x"
}

// fishQuoted writes a text for fish, whose quotes have escapes of their own.
func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
