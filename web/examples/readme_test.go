package examples

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"labhook/engine"
)

// tasks are the folders of testdata.
var tasks = []string{"post", "wait", "verify"}

// TestReadme compares the examples of the README with the files that are run.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Examples\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for i, part := range strings.Split("\n"+section, "\n```") {
		if i%2 == 1 {
			blocks = append(blocks, part+"\n")
		}
	}
	var want []string
	for _, task := range tasks {
		for _, l := range languages {
			source, err := os.ReadFile(filepath.Join("testdata", task, l.file))
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, l.tag+"\n"+string(source))
			if !slices.Contains(blocks, want[len(want)-1]) {
				t.Errorf("the README lacks web/examples/testdata/%s/%s as it is", task, l.file)
			}
		}
	}
	if !t.Failed() && !slices.Equal(blocks, want) {
		t.Errorf("the examples of the README are %d, or in another order than the %d files", len(blocks), len(want))
	}
	found, err := filepath.Glob("testdata/*/*")
	if err != nil || len(found) != len(want) {
		t.Errorf("there are %d files, of which %d are examples; error %v", len(found), len(want), err)
	}
}

// signature signs a delivery as Standard Webhooks defines it.
func signature(secret engine.Secret, d delivery) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(d.id + "." + d.timestamp + "."))
	mac.Write(d.body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// listen starts a server and returns its address.
func listen(t *testing.T, server *http.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}
