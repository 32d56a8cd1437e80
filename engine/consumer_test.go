package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestConsumerValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 201)
	tests := map[string]struct {
		change func(*engine.APIConsumer)
		want   []string
	}{
		"as it is": {func(*engine.APIConsumer) {}, nil},
		"every limit": {func(c *engine.APIConsumer) {
			c.Name, c.ExternalID, c.Description = long[:2*engine.MaxConsumerName], strings.Repeat("x", engine.MaxExternalID), strings.Repeat("\n", engine.MaxDescription)
			c.TechnicalContact = long[:2*engine.MaxShortText]
		}, nil},
		"no name":           {func(c *engine.APIConsumer) { c.Name = " " }, []string{"name: Enter a name"}},
		"long name":         {func(c *engine.APIConsumer) { c.Name = long[:202] }, []string{"name: Name may have at most 100 characters, this one has 101"}},
		"two lines in name": {func(c *engine.APIConsumer) { c.Name = "a\r\nb" }, []string{"name: Name must be one line without tabs"}},
		"space in id":       {func(c *engine.APIConsumer) { c.ExternalID = "a b" }, []string{"external_id: External ID may hold letters, digits and . _ - : only"}},
		"id like ours":      {func(c *engine.APIConsumer) { c.ExternalID = "con_1" }, []string{"external_id: External ID must not start with con_, which marks Labhook's own ids"}},
		"long id":           {func(c *engine.APIConsumer) { c.ExternalID = strings.Repeat("x", 101) }, []string{"external_id: External ID may have at most 100 characters, this one has 101"}},
		"long texts": {func(c *engine.APIConsumer) {
			c.Description, c.DefaultOrganization, c.ConsumingPlatform = strings.Repeat("x", 2001), long, long
			c.ConsumingPlatformVersion, c.TechnicalContact = long, long
		}, []string{
			"description: Description may have at most 2000 characters, this one has 2001",
			"default_organization: Default Organization may have at most 200 characters, this one has 201",
			"consuming_platform: Consuming Platform may have at most 200 characters, this one has 201",
			"consuming_platform_version: Consuming Platform Version may have at most 200 characters, this one has 201",
			"technical_contact: Technical contact may have at most 200 characters, this one has 201",
		}},
	}
	for name, tt := range tests {
		c := enginetest.Consumer(tt.change)
		if diff := cmp.Diff(tt.want, problems(t, c.Validate())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestConsumerState(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		enabled bool
		expires time.Time
		want    engine.ConsumerState
	}{
		{true, time.Time{}, engine.ConsumerActive},
		{true, noon.Add(time.Nanosecond), engine.ConsumerActive},
		{true, noon, engine.ConsumerExpired},
		{false, time.Time{}, engine.ConsumerDisabled},
		{false, noon, engine.ConsumerDisabled},
	} {
		c := engine.APIConsumer{Enabled: tt.enabled, Expires: tt.expires}
		if got := c.State(noon); got != tt.want {
			t.Errorf("enabled %t, expires %s: %s, want %s", tt.enabled, tt.expires, got, tt.want)
		}
		k := engine.APIKey{Enabled: tt.enabled, Expires: tt.expires}
		if got := k.Usable(noon); got != (tt.want == engine.ConsumerActive) {
			t.Errorf("key enabled %t, expires %s: usable %t", tt.enabled, tt.expires, got)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	key, prefix := engine.NewKey()
	other, _ := engine.NewKey()
	if text := key.Reveal(); !strings.HasPrefix(text, prefix) || !strings.HasPrefix(prefix, "lhk_") || len(prefix) != 10 || len(text) != 30 || key == other {
		t.Errorf("key %q, shown as %q", text, prefix)
	}
	if hash := engine.HashKey("abc"); hash != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("hash of abc: %s", hash)
	}
	k := engine.APIKey{Description: "Lab platform", Scope: engine.ScopeSend}
	if err := k.Validate(); err != nil {
		t.Error(err)
	}
	k = engine.APIKey{Description: " ", Scope: "all"}
	want := []string{"description: Enter a description that tells who uses the key", "scope: Scope must be one of read, send and manage"}
	if diff := cmp.Diff(want, problems(t, k.Validate())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestScopesAndRoles(t *testing.T) {
	t.Parallel()
	scopes := []engine.Scope{engine.ScopeRead, engine.ScopeSend, engine.ScopeManage}
	for i, has := range scopes {
		for j, need := range scopes {
			if got := has.Allows(need); got != (i >= j) {
				t.Errorf("scope %s allows %s: %t", has, need, got)
			}
		}
		if engine.Scope("").Allows(has) || has != engine.ScopeManage && has.Allows("more") {
			t.Errorf("an unknown scope beside %s", has)
		}
	}
	for i, has := range engine.Roles {
		for j, need := range engine.Roles {
			if got := has.Allows(need); got != (i >= j) {
				t.Errorf("role %s allows %s: %t", has, need, got)
			}
		}
		if engine.Role("root").Allows(has) || has.Allows("root") {
			t.Errorf("an unknown role beside %s", has)
		}
	}
}

func TestUserValidate(t *testing.T) {
	t.Parallel()
	good := engine.User{Login: "dana@example.com", Name: "Dana Ortiz", Role: engine.RoleAdmin, TimeZone: "Europe/Berlin"}
	tests := map[string]struct {
		change func(*engine.User)
		want   []string
	}{
		"as it is":     {func(*engine.User) {}, nil},
		"no zone":      {func(u *engine.User) { u.TimeZone = "" }, nil},
		"no login":     {func(u *engine.User) { u.Login = "" }, []string{"login: Enter an e-mail address or a user name without spaces"}},
		"space":        {func(u *engine.User) { u.Login = "a b" }, []string{"login: Enter an e-mail address or a user name without spaces"}},
		"long login":   {func(u *engine.User) { u.Login = strings.Repeat("x", 101) }, []string{"login: User name may have at most 100 characters, this one has 101"}},
		"no name":      {func(u *engine.User) { u.Name = "" }, []string{"name: Enter a name"}},
		"no role":      {func(u *engine.User) { u.Role = "" }, []string{"role: Role must be one of viewer, developer and admin"}},
		"unknown zone": {func(u *engine.User) { u.TimeZone = "Mars/Base" }, []string{`time_zone: There is no time zone "Mars/Base"; names are such as Europe/Vienna`}},
		"a path":       {func(u *engine.User) { u.TimeZone = "../passwd" }, []string{`time_zone: There is no time zone "../passwd"; names are such as Europe/Vienna`}},
		"local zone":   {func(u *engine.User) { u.TimeZone = "Local" }, []string{`time_zone: There is no time zone "Local"; names are such as Europe/Vienna`}},
	}
	for name, tt := range tests {
		u := good
		tt.change(&u)
		if diff := cmp.Diff(tt.want, problems(t, u.Validate())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for password, want := range map[string]bool{
		strings.Repeat("é", 11): false, strings.Repeat("é", 12): true, strings.Repeat("é", 200): true, strings.Repeat("é", 201): false,
	} {
		if err := engine.ValidatePassword(password); (err == nil) != want {
			t.Errorf("password of %d characters: %v", len(password)/2, err)
		}
	}
}

func TestSmallWords(t *testing.T) {
	t.Parallel()
	err := engine.InvalidError{{Field: "url", Message: "Enter a URL"}, {Field: "name", Message: "Enter a name"}}
	for got, want := range map[string]string{
		err.Error():                          "url: Enter a URL; name: Enter a name",
		engine.ErrorActionLog.Label():        "Log",
		engine.ErrorActionNotifyUser.Label(): "Send Notification to User",
		engine.ErrorActionEndLab.Label():     "End Lab",
		engine.ErrorAction("other").Label():  "other",
		(&engine.Attempt{Timings: engine.Timings{Total: 1500}}).Duration().String(): "1.5ms",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, verb := range engine.Verbs {
		if got := engine.VerbHasBody(verb); got != (verb == "POST" || verb == "PUT" || verb == "PATCH") {
			t.Errorf("%s has a body: %t", verb, got)
		}
	}
	c := engine.Counts{Delivered: 1, Failed: 2, Attempts: 3}
	c.Add(engine.Counts{Delivered: 10, Failed: 20, Attempts: 30})
	if c != (engine.Counts{Delivered: 11, Failed: 22, Attempts: 33}) {
		t.Errorf("%+v", c)
	}
}
