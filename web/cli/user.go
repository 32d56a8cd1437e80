package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"labhook/db"
	"labhook/engine"
)

// userCommands are those below user. They work on the data directory, also while the server runs.
var userCommands = []Command{
	{Name: "add", Summary: "make a user, and ask for the password", Run: addUser},
	{Name: "list", Summary: "list the users", Run: listUsers},
	{Name: "password", Summary: "set a new password; whoever is signed in with the old one is signed out", Run: setPassword},
	{Name: "role", Summary: "say what a user may do", Run: setRole},
	{Name: "disable", Summary: "sign a user out, and refuse further sign-ins", Run: disableUser},
	{Name: "enable", Summary: "let a user sign in again", Run: enableUser},
}

// userFlags are the flags of a command about users.
type userFlags struct {
	*flags
	data string
}

func newUserFlags(env Env, command, summary string, arguments ...string) *userFlags {
	f := &userFlags{flags: newFlags(env, command, summary)}
	f.arguments = arguments
	f.StringVar(&f.data, "data", DefaultData, "`DIR` of the server's database")
	f.fromEnv = []string{"data"}
	for _, role := range engine.Roles {
		f.choices["role"] = append(f.choices["role"], string(role))
	}
	f.choices["ROLE"] = f.choices["role"]
	return f
}

// change opens the data directory and lets do change the user that the first argument names.
func (f *userFlags) change(ctx context.Context, do func(*db.Store, engine.User) error) error {
	store, err := openBeside(ctx, f.data)
	if err != nil {
		return err
	}
	u, _, err := store.UserByLogin(ctx, f.given[0])
	switch {
	case errors.Is(err, engine.ErrNotFound):
		err = fmt.Errorf("there is no user %q; labhook user list shows who there is", f.given[0])
	case err == nil:
		err = do(store, u)
	}
	return errors.Join(err, store.Close())
}

func addUser(ctx context.Context, env Env, args []string) error {
	f := newUserFlags(env, "user add", "make a user of the screens; the password is asked for", "LOGIN")
	u := engine.User{Enabled: true}
	f.StringVar(&u.Name, "name", "", "`NAME` of the person; without it the login")
	role := f.String("role", string(engine.RoleViewer), "`ROLE` of the user: viewer reads, developer changes webhooks and sends again, admin does everything")
	f.StringVar(&u.TimeZone, "time-zone", "", "IANA `NAME` of the time zone, such as Europe/Berlin; without it UTC")
	ask := addPasswordFlag(f.flags)
	f.example = "labhook user add dana@example.com --name \"Dana Ortiz\" --role admin"
	if err := f.parse(args); err != nil {
		return err
	}
	u.Login, u.Role = f.given[0], engine.Role(*role)
	if u.Name == "" {
		u.Name = u.Login
	}
	if err := u.Validate(); err != nil {
		return f.invalid(err)
	}
	store, err := openBeside(ctx, f.data)
	if err != nil {
		return err
	}
	u, err = storeUser(ctx, store, u, ask)
	if err = errors.Join(err, store.Close()); err != nil {
		return f.invalid(err)
	}
	fmt.Fprintf(env.Stderr, "User %s, role %s.\n", u.Login, u.Role)
	return nil
}

// storeUser asks for the password of a new user whose login is free, and stores both.
func storeUser(ctx context.Context, store *db.Store, u engine.User, ask func(context.Context, string) (string, error)) (engine.User, error) {
	if _, _, err := store.UserByLogin(ctx, u.Login); !errors.Is(err, engine.ErrNotFound) {
		if err == nil {
			err = fmt.Errorf("another user is called %s", u.Login)
		}
		return u, err
	}
	hash, err := ask(ctx, u.Login)
	if err != nil {
		return u, err
	}
	return store.CreateUser(ctx, hostActor(), u, hash)
}

func setPassword(ctx context.Context, env Env, args []string) error {
	f := newUserFlags(env, "user password", "set a new password, which is asked for; whoever is signed in with the old one is signed out", "LOGIN")
	ask := addPasswordFlag(f.flags)
	f.example = "labhook user password dana@example.com"
	if err := f.parse(args); err != nil {
		return err
	}
	return f.change(ctx, func(store *db.Store, u engine.User) error {
		hash, err := ask(ctx, u.Login)
		if err != nil {
			return err
		}
		return store.SetPassword(ctx, hostActor(), u.ID, hash)
	})
}

func setRole(ctx context.Context, env Env, args []string) error {
	f := newUserFlags(env, "user role", "say what a user may do: viewer, developer or admin", "LOGIN", "ROLE")
	f.example = "labhook user role dana@example.com developer"
	if err := f.parse(args); err != nil {
		return err
	}
	return f.change(ctx, func(store *db.Store, u engine.User) error {
		_, err := store.SetRole(ctx, hostActor(), u.ID, engine.Role(f.given[1]))
		return f.invalid(err)
	})
}

func disableUser(ctx context.Context, env Env, args []string) error {
	f := newUserFlags(env, "user disable", "sign a user out, and refuse further sign-ins", "LOGIN")
	f.example = "labhook user disable dana@example.com"
	return f.setEnabled(ctx, args, false)
}

func enableUser(ctx context.Context, env Env, args []string) error {
	f := newUserFlags(env, "user enable", "let a user sign in again", "LOGIN")
	f.example = "labhook user enable dana@example.com"
	return f.setEnabled(ctx, args, true)
}

func (f *userFlags) setEnabled(ctx context.Context, args []string, enabled bool) error {
	if err := f.parse(args); err != nil {
		return err
	}
	return f.change(ctx, func(store *db.Store, u engine.User) error {
		_, err := store.SetEnabled(ctx, hostActor(), u.ID, enabled)
		return err
	})
}

// listedUser is a user in JSON.
type listedUser struct {
	Login     string      `json:"login"`
	Name      string      `json:"name"`
	Role      engine.Role `json:"role"`
	Enabled   bool        `json:"enabled"`
	CreatedAt time.Time   `json:"created_at"`
}

func listUsers(ctx context.Context, env Env, args []string) error {
	f := newUserFlags(env, "user list", "list the users of the screens")
	asJSON := f.Bool("json", false, jsonUsage)
	f.example = "labhook user list"
	if err := f.parse(args); err != nil {
		return err
	}
	store, err := openBeside(ctx, f.data)
	if err != nil {
		return err
	}
	users, err := store.Users(ctx)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	t := &table{paint: painter(env.Colour)}
	t.add("LOGIN", "NAME", "ROLE", "STATE", "CREATED")
	for _, u := range users {
		if *asJSON || !env.Terminal {
			if err := printLine(env.Stdout, listedUser{u.Login, u.Name, u.Role, u.Enabled, u.CreatedAt.UTC()}); err != nil {
				return err
			}
			continue
		}
		state := "enabled"
		if !u.Enabled {
			state = "disabled"
		}
		t.add(u.Login, u.Name, string(u.Role), state, local(u.CreatedAt))
	}
	if *asJSON || !env.Terminal {
		return nil
	}
	return t.print(env.Stdout, "")
}
