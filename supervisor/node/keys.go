package node

import (
	"encoding/json"
	"sync"
)

// Keys holds the data that the first worker of an app sends with a server, for all
// later workers: TLS ticket keys, so that a session resumes on any worker. The zero
// value is empty. Safe for concurrent use.
type Keys struct {
	mu   sync.Mutex
	data map[string]json.RawMessage // by the server's key
}

// Bounds of Keys: data beyond them is not shared.
const (
	maxKeys = 1024
	maxData = 64 << 10
)

// first returns the data that the first worker sent with the server.
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
