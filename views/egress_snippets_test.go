package views

import (
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snippetLists are lists that rules are written for: both families, and one of them alone.
var snippetLists = map[string]string{
	"both": "198.51.100.7/32 198.51.100.16/28 2001:db8::7/128 2001:db8:1::/48",
	"IPv4": "198.51.100.7/32",
	"IPv6": "2001:db8:1::/48",
}

func snippetsOf(t *testing.T, list string) (networks []netip.Prefix, byID map[string]string) {
	t.Helper()
	for text := range strings.FieldsSeq(list) {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	byID = map[string]string{}
	for _, s := range EgressSnippets(networks) {
		if s.Name == "" || s.About == "" || s.Text == "" {
			t.Errorf("incomplete: %+v", s)
		}
		byID[s.ID] = s.Text
	}
	return networks, byID
}

// TestSnippetsForHostsAreLines checks rules that are read line by line, and that every network is in them once.
func TestSnippetsForHostsAreLines(t *testing.T) {
	t.Parallel()
	const network = `[0-9a-f.:]+(/\d+)?`
	lines := map[string]*regexp.Regexp{
		"nginx":    regexp.MustCompile(`^(allow ` + network + `|deny all);$`),
		"iptables": regexp.MustCompile(`^ip6?tables (-N LABHOOK|-A LABHOOK -s ` + network + ` -j ACCEPT|-A LABHOOK -j DROP|-I INPUT -p tcp --dport 443 -j LABHOOK)$`),
		"nftables": regexp.MustCompile(`^( *table inet labhook \{|(delete )?table inet labhook| *(set senders[46]|chain receiver|elements =) (\{|= \{)|` +
			` *elements = \{| *type ipv[46]_addr| *flags interval| *` + network + `,?| *\}| *type filter hook input priority filter; policy accept;|` +
			` *tcp dport 443 (ip6? saddr @senders[46] accept|drop))$`),
	}
	for name, list := range snippetLists {
		networks, byID := snippetsOf(t, list)
		for id, line := range lines {
			for text := range strings.SplitSeq(byID[id], "\n") {
				if !line.MatchString(text) {
					t.Errorf("%s, %s: %q is no line of it", id, name, text)
				}
			}
			words := regexp.MustCompile(`[\s,;]+`).Split(byID[id], -1)
			for _, p := range networks {
				n := 0
				for _, word := range words {
					if word == p.String() || p.IsSingleIP() && word == p.Addr().String() {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%s, %s: %s is in it %d times", id, name, p, n)
				}
			}
			if opens, closes := strings.Count(byID[id], "{"), strings.Count(byID[id], "}"); opens != closes {
				t.Errorf("%s, %s: %d brackets open and %d close", id, name, opens, closes)
			}
		}
		if last := byID["nginx"][strings.LastIndexByte(byID["nginx"], '\n')+1:]; last != "deny all;" {
			t.Errorf("nginx, %s: the last line is %q", name, last)
		}
		for _, command := range []string{"iptables", "ip6tables"} { // a family without addresses is shut, too
			if !strings.Contains("\n"+byID["iptables"], "\n"+command+" -A LABHOOK -j DROP\n"+command+" -I INPUT") {
				t.Errorf("iptables, %s: %s does not end with DROP", name, command)
			}
		}
	}
}

func TestSnippetsForCloudsAreJSON(t *testing.T) {
	t.Parallel()
	for name, list := range snippetLists {
		networks, byID := snippetsOf(t, list)
		var all, v4, v6 []string
		for _, p := range networks {
			if all = append(all, p.String()); p.Addr().Is4() {
				v4 = append(v4, p.String())
			} else {
				v6 = append(v6, p.String())
			}
		}
		var permissions []struct {
			IPProtocol       string `json:"IpProtocol"`
			FromPort, ToPort int
			IPRanges         []struct{ CidrIP, Description string }
			IPv6Ranges       []struct{ CidrIPv6, Description string }
		}
		if err := json.Unmarshal([]byte(byID["aws"]), &permissions); err != nil || len(permissions) != 1 {
			t.Fatalf("aws, %s: %v, %d permissions", name, err, len(permissions))
		}
		var got []string
		for _, r := range permissions[0].IPRanges {
			got = append(got, r.CidrIP)
		}
		for _, r := range permissions[0].IPv6Ranges {
			got = append(got, r.CidrIPv6)
		}
		if p := permissions[0]; !slices.Equal(got, all) || p.IPProtocol != "tcp" || p.FromPort != 443 || p.ToPort != 443 {
			t.Errorf("aws, %s: %s", name, byID["aws"])
		}
		for _, key := range []string{`"IpRanges"`, `"CidrIp"`} {
			if strings.Contains(byID["aws"], key) != (len(v4) > 0) {
				t.Errorf("aws, %s: %s in %s", name, key, byID["aws"])
			}
		}

		var rules []azureRule
		if err := json.Unmarshal([]byte(byID["azure"]), &rules); err != nil {
			t.Fatalf("azure, %s: %v", name, err)
		}
		want := map[string][]string{}
		for family, texts := range map[string][]string{"labhook-ipv4": v4, "labhook-ipv6": v6} {
			for _, text := range texts {
				p := netip.MustParsePrefix(text)
				want[family] = append(want[family], joinPrefixes([]netip.Prefix{p}, ""))
			}
		}
		sources, priorities := map[string][]string{}, map[int]bool{}
		for _, r := range rules {
			sources[r.Name], priorities[r.Properties.Priority] = r.Properties.Sources, true
		}
		if diff := cmp.Diff(want, sources); diff != "" || len(priorities) != len(rules) {
			t.Errorf("azure, %s: %d rules, %d priorities (-want +got):\n%s", name, len(rules), len(priorities), diff)
		}
	}
}

// TestSnippetsInTheirPrograms lets the programs read the rules without putting them into force, where they are installed.
func TestSnippetsInTheirPrograms(t *testing.T) {
	t.Parallel()
	for name, list := range snippetLists {
		_, byID := snippetsOf(t, list)
		for id, command := range map[string][]string{
			"iptables": {"sh", "-n"}, "nftables": {"nft", "-c", "-f"}, "nginx": {"nginx", "-t", "-q", "-e", os.DevNull, "-c"},
		} {
			text := byID[id]
			if id == "nginx" {
				text = nginxConfig(t.TempDir(), text)
			}
			t.Run(id+" "+name, func(t *testing.T) {
				t.Parallel()
				readBy(t, command, text)
			})
		}
	}
}

// nginxConfig puts the text into a configuration that needs nothing outside the directory.
func nginxConfig(dir, text string) string {
	var temp strings.Builder
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp.WriteString(what + "_temp_path " + filepath.Join(dir, what) + ";\n")
	}
	return "pid " + filepath.Join(dir, "pid") + ";\nevents {}\nhttp {\naccess_log off;\n" + temp.String() +
		"server {\nlisten unix:" + filepath.Join(dir, "socket") + ";\n" + text + "\n}\n}\n"
}

// readBy runs a command on a file with the text.
func readBy(t *testing.T, command []string, text string) {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skip(command[0] + " is not installed")
	}
	file := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), command[0], append(slices.Clone(command[1:]), file)...).CombinedOutput()
	if err != nil && strings.Contains(string(out), "Operation not permitted") {
		t.Skip(command[0] + " may not ask the kernel here")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
