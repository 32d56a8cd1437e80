package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"labhook/db"
	"labhook/engine"
	"labhook/web"
)

// SetupLink prints the link that makes the first user, on the host, also while the server runs. It is the one that the
// server printed when it started: the link is kept until it is used.
func SetupLink(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, "setup-link", "print again the link that makes the first user, while there is none; it is the one that the server printed when it started")
	data := f.String("data", DefaultData, "`DIR` of the server's database")
	public := f.String("public-url", "", "`URL` under which people reach the server; without it the Base URL of the settings, or the address of --listen")
	listen := f.String("listen", DefaultListen, "`ADDRESS` and port that the server listens on")
	f.fromEnv = []string{"data", "public-url", "listen"}
	f.example = "labhook setup-link --data /var/lib/labhook"
	if err := f.parse(args); err != nil {
		return err
	}
	base, problem := engine.CheckPublicURL(*public)
	if problem != "" {
		return f.problem("--public-url: %s", problem)
	}
	here, err := baseOf(*listen)
	if err != nil {
		return f.problem("--listen: %s", err)
	}
	store, err := openBeside(ctx, *data)
	if err != nil {
		return err
	}
	link, err := setupLink(ctx, store, base, here)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, link)
	return err
}

// setupLink returns the link below the first address there is: public, or what the settings say, or here.
func setupLink(ctx context.Context, store *db.Store, public, here string) (string, error) {
	link, needed, err := web.SetupURL(ctx, store, cmp.Or(public, store.Settings().PublicURL, here))
	if err == nil && !needed {
		err = errors.New("there is a user already, and the setup link has ended; labhook user add makes further users, labhook user password sets a new password")
	}
	return link, err
}

// baseOf returns the URL under which this host reaches a server that listens on an address.
func baseOf(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("%q is not an address and port such as %s", listen, DefaultListen)
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}
