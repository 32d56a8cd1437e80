package cli

import (
	"context"
	"fmt"
	"runtime"
)

// Version prints the version of the program.
func Version(_ context.Context, env Env, args []string) error {
	f := newFlags(env, "version", "the version of the program")
	f.example = "labhook version"
	if err := f.parse(args); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "labhook %s %s %s/%s\n", env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
