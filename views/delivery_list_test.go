package views

import "testing"

func TestWideFact(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"": "", "POST": "", "con_01qgzzfxwd6pz": "", "Send Lab Details as Content Body": "",
		"https://hooks.example.com/lab": "wide", "operations@contoso.example": "wide",
		"Standard Webhooks v1, webhook-id, webhook-timestamp": "wide",
	} {
		if got := wideFact(value); got != want {
			t.Errorf("%q: class %q, want %q", value, got, want)
		}
	}
}
