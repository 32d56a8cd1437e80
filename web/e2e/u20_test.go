package e2e

import (
	"testing"

	"labhook/engine"
)

// Two people edit the same API consumer. The page that shows both sides holds on a phone, too, and Use mine saves.
func TestU20ConflictPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	for i, look := range []screen{screens[0], screens[len(screens)-1]} {
		b := newTab(t, s, look)
		b.signIn()
		b.open("/admin/integration/api-consumers/" + c.ID.String() + "/edit")
		theirs, err := s.store.Consumer(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		theirs.TechnicalContact, theirs.Description = "ops@contoso.example", "Version "+string(rune('a'+i))+"\nof theirs"
		if _, err := s.store.UpdateConsumer(t.Context(), engine.Actor{Name: "Robin Roe"}, theirs); err != nil {
			t.Fatal(err)
		}
		b.fill(map[string]string{"technical_contact": "help@contoso.example"})
		b.follow("main button.primary[type=submit]")
		b.check("consumer-conflict")
		if got := b.text("#differences"); got == "" {
			t.Fatalf("the page shows %q", b.text("main"))
		}
		b.follow("main button.primary")
		if got := s.store.Directory().Consumer(c.ID).TechnicalContact; got != "help@contoso.example" {
			t.Errorf("%q was saved: %s", got, b.text("main"))
		}
	}
}
