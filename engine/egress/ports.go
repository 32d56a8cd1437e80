package egress

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PortRange is a range of ports, both ends included.
type PortRange struct{ First, Last uint16 }

// String writes a range as ParsePorts reads it.
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// FormatPorts writes a list as ParsePorts reads it.
func FormatPorts(list []PortRange) string {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = r.String()
	}
	return strings.Join(texts, ",")
}

// ParsePorts reads ports and ranges of ports, separated by commas: "443,8000-8999". The empty text is no range at all.
func ParsePorts(text string) ([]PortRange, error) {
	var list []PortRange
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
		to, errTo := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
		if err != nil || errTo != nil || from == 0 || from > to {
			return nil, fmt.Errorf("%q is neither a port nor a range of ports such as 443 or 8000-8999", part)
		}
		list = append(list, PortRange{uint16(from), uint16(to)})
	}
	return list, nil
}

// checkPort returns a BlockedError unless the port is one and may be connected to.
func (g *Guard) checkPort(text string) (port uint16, err error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, refuse("%q is no port; ports are numbers from 1 to 65535", text)
	}
	port = uint16(n)
	in := func(r PortRange) bool { return r.First <= port && port <= r.Last }
	if allowed := g.settings.Ports; len(allowed) > 0 && !slices.ContainsFunc(allowed, in) {
		return 0, refuse("connecting to port %d is not allowed; to allow it start Labhook with --allow-ports %s,%d", port, FormatPorts(allowed), port)
	}
	return port, nil
}
