package views

import "labhook/engine"

// UserList is the page of the users.
type UserList struct {
	Page  Page
	Users []engine.User
}

// UserForm is the form that adds or changes a user.
type UserForm struct {
	Page  Page
	User  engine.User // its ID is zero for a new one
	Token string      // makes the form one that counts once
	Seen  string      // mark of what the form was opened with
}

// UserInvited is a link to choose a password, at the only moment when it is known.
type UserInvited struct {
	Page  Page
	User  engine.User
	Link  string
	Hours int // it is valid for
}

// self reports whether the page is about the person who reads it.
func (f UserForm) self() bool { return f.Page.User != nil && f.Page.User.ID == f.User.ID }

// RoleWord is the word for a role on the screens.
func RoleWord(r engine.Role) string {
	switch r {
	case engine.RoleViewer:
		return "Viewer"
	case engine.RoleDeveloper:
		return "Developer"
	case engine.RoleAdmin:
		return "Admin"
	}
	return string(r)
}

// roleOptions are the roles with what each may do.
func roleOptions() []Option {
	return []Option{
		{Value: string(engine.RoleViewer), Label: "Viewer: reads"},
		{Value: string(engine.RoleDeveloper), Label: "Developer: also changes, tests and resends webhooks, opens gates"},
		{Value: string(engine.RoleAdmin), Label: "Admin: everything, also consumers, keys, users and settings"},
	}
}

// themeOptions are the themes.
func themeOptions() []Option {
	return []Option{{Label: "As the system has it"}, {Value: "light", Label: "Light"}, {Value: "dark", Label: "Dark"}}
}
