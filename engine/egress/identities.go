package egress

import (
	"net/http"
	"slices"
	"sync"
)

// identities are the transports of the client certificates, the one used last at the end. At most MaxIdentities are
// kept; the one that was not used for longest is closed for a new one.
type identities struct {
	mu   sync.Mutex
	list []identity
}

type identity struct {
	Identity
	transport *http.Transport
}

// transport returns the transport of an identity, which it makes when there is none.
func (l *identities) transport(id Identity, create func(Identity) (*http.Transport, error)) (*http.Transport, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.list, func(one identity) bool { return one.Identity == id }); i >= 0 {
		found := l.list[i]
		l.list = append(slices.Delete(l.list, i, i+1), found)
		return found.transport, nil
	}
	t, err := create(id)
	if err != nil {
		return nil, err
	}
	if len(l.list) >= MaxIdentities {
		l.list[0].transport.CloseIdleConnections()
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.list = append(l.list, identity{id, t})
	return t, nil
}

// retain drops the identities that are not in use.
func (l *identities) retain(inUse func(Identity) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(one identity) bool {
		if inUse(one.Identity) {
			return false
		}
		one.transport.CloseIdleConnections()
		return true
	})
}

// closeIdle closes the connections of all identities that nobody uses.
func (l *identities) closeIdle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.list {
		one.transport.CloseIdleConnections()
	}
}
