package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// prefix starts the cmd of a message that is Node's own, not the app's.
const prefix = "NODE_"

// message is one line of a worker.
type message struct {
	cmd    string // of Node's own messages, else ""
	fields fields
}

// fields are the members of a JSON object. Unlike a struct's they distinguish "cmd"
// and "CMD", as JavaScript does, and are decoded one by one: a wrong type in one
// does not affect the others.
type fields map[string]json.RawMessage

// parse parses a line. A line that is not an object is the app's.
func parse(line []byte) (message, error) {
	var m message
	if !IsObject(line) {
		if !json.Valid(line) {
			return m, errors.New("not JSON")
		}
		return m, nil
	}
	if err := json.Unmarshal(line, &m.fields); err != nil {
		return m, fmt.Errorf("not JSON: %w", err)
	}
	if cmd := m.fields.text("cmd"); len(cmd) > len(prefix) && strings.HasPrefix(cmd, prefix) {
		m.cmd = cmd
	}
	return m, nil
}

// text returns a string, "" if there is none.
func (f fields) text(name string) string {
	var s string
	if err := json.Unmarshal(f[name], &s); err != nil {
		return ""
	}
	return s
}

// number returns a whole number, or otherwise if there is none.
func (f fields) number(name string, otherwise int) int {
	var n *int
	if err := json.Unmarshal(f[name], &n); err != nil || n == nil {
		return otherwise
	}
	return *n
}

// isTrue reports whether a field is true.
func (f fields) isTrue(name string) bool { return string(f[name]) == "true" }

// templateString returns a field as a JavaScript template string shows it: Node
// builds its keys so.
func (f fields) templateString(name string) string {
	raw, found := f[name]
	if !found {
		return "undefined"
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err == nil && s != nil {
		return *s
	}
	return string(raw)
}

// key is Node's key of the server that a message is about.
func (f fields) key() string {
	names := []string{"address", "port", "addressType", "fd", "index"}
	for i, name := range names {
		names[i] = f.templateString(name)
	}
	return strings.Join(names, ":")
}

// answer is gorun's reply to a request of Node's own.
type answer struct {
	Cmd   string          `json:"cmd"`
	Ack   int             `json:"ack"`
	Errno int             `json:"errno"` // negative
	Key   string          `json:"key,omitempty"`
	Data  json.RawMessage `json:"data"`
}

// handleMessage is a message of Node's own that comes with a descriptor.
type handleMessage struct {
	Cmd  string `json:"cmd"`
	Type string `json:"type"`
	Msg  any    `json:"msg"`
}

// encode returns a message as a line.
func encode(m any) ([]byte, error) {
	line, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(line) > maxLine {
		return nil, ErrTooLong
	}
	return append(line, '\n'), nil
}

// disconnect returns the message that makes a cluster worker disconnect.
func disconnect() []byte { return []byte(`{"cmd":"NODE_CLUSTER","act":"disconnect"}` + "\n") }

// handleAck returns the message that acknowledges a descriptor.
func handleAck() []byte { return []byte(`{"cmd":"NODE_HANDLE_ACK"}` + "\n") }
