package node

import (
	"encoding/json"
	"sync"
)

// Keys is what the first worker of an app says about a server, for all later
// ones: TLS ticket keys, so that a session resumes on any worker. The zero
// value is empty. Safe for concurrent use.
type Keys struct {
	mu   sync.Mutex
	data map[string]json.RawMessage // by the server's key
}

// Bounds of a Keys: what is beyond them is not shared.
const (
	maxKeys = 1024
	maxData = 64 << 10
)

// first returns what the first worker said about the server.
func (k *Keys) first(server string, data json.RawMessage) json.RawMessage {
	k.mu.Lock()
	defer k.mu.Unlock()
	if known, found := k.data[server]; found {
		return known
	}
	if len(data) == 0 || string(data) == "null" || len(data) > maxData || len(k.data) >= maxKeys {
		return data
	}
	if k.data == nil {
		k.data = map[string]json.RawMessage{}
	}
	k.data[server] = append(json.RawMessage{}, data...)
	return data
}
