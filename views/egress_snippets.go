package views

import (
	"encoding/json"
	"net/netip"
	"strings"

	"labhook/engine"
)

// EgressSnippet is the list of addresses as the rules of one kind of firewall.
type EgressSnippet struct{ ID, Name, About, Text string }

// EgressSnippets writes rules that let the networks, and nobody else, reach a receiver on port 443.
func EgressSnippets(networks []netip.Prefix) []EgressSnippet {
	var v4, v6 []netip.Prefix
	for _, p := range networks {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return []EgressSnippet{
		{"nftables", "nftables", "A table of its own. Load it with nft -f labhook.nft; loading it again replaces it.", nftables(v4, v6)},
		{"iptables", "iptables", "Commands for IPv4 and IPv6, to be run once as root.", iptables(v4, v6)},
		{"nginx", "nginx", "For the server or location block of the receiver. Behind another proxy nginx needs its real_ip module to see these addresses.", nginx(networks)},
		{"aws", "AWS security group", "Save it as labhook.json, then: aws ec2 authorize-security-group-ingress --group-id GROUP --ip-permissions file://labhook.json", awsPermissions(v4, v6)},
		{"azure", "Azure network security group", "Security rules for an ARM template, the portal's JSON view or az rest. A rule holds one family of addresses.", azureRules(v4, v6)},
	}
}

// nftables writes a file that can be loaded again and again: the table is made, if need be, before it is deleted.
func nftables(v4, v6 []netip.Prefix) string {
	var b strings.Builder
	b.WriteString("table inet labhook\ndelete table inet labhook\ntable inet labhook {\n")
	set := func(name, kind string, networks []netip.Prefix) {
		b.WriteString("  set " + name + " {\n    type " + kind + "\n    flags interval\n")
		if len(networks) > 0 {
			b.WriteString("    elements = {\n      " + joinPrefixes(networks, ",\n      ") + "\n    }\n")
		}
		b.WriteString("  }\n")
	}
	set("senders4", "ipv4_addr", v4)
	set("senders6", "ipv6_addr", v6)
	b.WriteString(`  chain receiver {
    type filter hook input priority filter; policy accept;
    tcp dport 443 ip saddr @senders4 accept
    tcp dport 443 ip6 saddr @senders6 accept
    tcp dport 443 drop
  }
}`)
	return b.String()
}

// iptables writes a chain for each family, also for one without addresses: its port must not stay open to all.
func iptables(v4, v6 []netip.Prefix) string {
	var lines []string
	add := func(command string, networks []netip.Prefix) {
		lines = append(lines, command+" -N LABHOOK")
		for _, p := range networks {
			lines = append(lines, command+" -A LABHOOK -s "+p.String()+" -j ACCEPT")
		}
		lines = append(lines, command+" -A LABHOOK -j DROP", command+" -I INPUT -p tcp --dport 443 -j LABHOOK")
	}
	add("iptables", v4)
	add("ip6tables", v6)
	return strings.Join(lines, "\n")
}

func nginx(networks []netip.Prefix) string {
	var b strings.Builder
	for _, p := range networks {
		b.WriteString("allow " + engine.PrefixText(p) + ";\n")
	}
	b.WriteString("deny all;")
	return b.String()
}

// awsRange is a network in AWS's IpPermissions.
type awsRange struct {
	V4          string `json:"CidrIp,omitempty"`
	V6          string `json:"CidrIpv6,omitempty"`
	Description string
}

func awsPermissions(v4, v6 []netip.Prefix) string {
	permission := struct {
		IPProtocol string `json:"IpProtocol"`
		FromPort   int
		ToPort     int
		V4         []awsRange `json:"IpRanges,omitempty"`
		V6         []awsRange `json:"Ipv6Ranges,omitempty"`
	}{IPProtocol: "tcp", FromPort: 443, ToPort: 443}
	for _, p := range v4 {
		permission.V4 = append(permission.V4, awsRange{V4: p.String(), Description: "Labhook"})
	}
	for _, p := range v6 {
		permission.V6 = append(permission.V6, awsRange{V6: p.String(), Description: "Labhook"})
	}
	return indented([]any{permission})
}

// azureRule is a rule of an Azure network security group.
type azureRule struct {
	Name       string              `json:"name"`
	Properties azureRuleProperties `json:"properties"`
}

type azureRuleProperties struct {
	Priority    int      `json:"priority"`
	Direction   string   `json:"direction"`
	Access      string   `json:"access"`
	Protocol    string   `json:"protocol"`
	Sources     []string `json:"sourceAddressPrefixes"`
	SourcePorts string   `json:"sourcePortRange"`
	Target      string   `json:"destinationAddressPrefix"`
	TargetPorts string   `json:"destinationPortRange"`
}

func azureRules(v4, v6 []netip.Prefix) string {
	var rules []azureRule
	add := func(name string, networks []netip.Prefix) {
		if len(networks) == 0 {
			return
		}
		rules = append(rules, azureRule{Name: name, Properties: azureRuleProperties{
			Priority: 200 + len(rules), Direction: "Inbound", Access: "Allow", Protocol: "Tcp",
			Sources: strings.Split(joinPrefixes(networks, " "), " "), SourcePorts: "*", Target: "*", TargetPorts: "443",
		}})
	}
	add("labhook-ipv4", v4)
	add("labhook-ipv6", v6)
	return indented(rules)
}

// indented writes a value, which always can be written, as JSON for people.
func indented(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// joinPrefixes writes networks one after another.
func joinPrefixes(networks []netip.Prefix, between string) string {
	texts := make([]string, len(networks))
	for i, p := range networks {
		texts[i] = engine.PrefixText(p)
	}
	return strings.Join(texts, between)
}
