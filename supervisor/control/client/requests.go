package client

import "encoding/json"

// Ping answers GET /v1/ping.
type Ping struct {
	Pid     int    `json:"pid"`
	Version string `json:"version"`
}

// Order changes the state of workers: POST /v1/orders.
type Order struct {
	Verb     string   `json:"verb"`               // start, stop, restart, reload, delete, reset
	Targets  []string `json:"targets"`            // as in commands: api, 3, api/2, /re/, a namespace, all
	Parallel int      `json:"parallel,omitempty"` // reload: workers at a time; 0: as the app says
}

// Scale changes the number of workers: POST /v1/scale.
type Scale struct {
	App     string `json:"app"`
	Workers string `json:"workers"`         // 4, +3, -2, max
	Force   bool   `json:"force,omitempty"` // also to more than CPUs and memory have room for
}

// Revision is an ecosystem file to be applied: POST /v1/apply. GET /v1/plan takes the
// same as a query.
type Revision struct {
	File     string   `json:"file,omitempty"`     // absolute; "": the one that gorun was started with
	Only     []string `json:"only,omitempty"`     // names or namespaces; the rest stays unchanged
	All      bool     `json:"all,omitempty"`      // reload unchanged apps, too
	Restart  bool     `json:"restart,omitempty"`  // stop and start instead of a reload
	Start    bool     `json:"start,omitempty"`    // start stopped apps, too, unless their autostart is false
	Partial  bool     `json:"partial,omitempty"`  // apps that are not in the file stay unchanged
	Parallel int      `json:"parallel,omitempty"` // workers of an app at a time; 0: as the app says
}

// Signal sends a signal: POST /v1/signal.
type Signal struct {
	Signal  string   `json:"signal"` // SIGUSR1, USR1, 10
	Targets []string `json:"targets"`
}

// Message is for the IPC channel of Node workers: POST /v1/send.
type Message struct {
	Targets []string        `json:"targets"`
	Message json.RawMessage `json:"message"`
}

// Input is a line for the standard input of workers, without its end: POST /v1/input.
type Input struct {
	Targets []string `json:"targets"`
	Line    string   `json:"line"`
}

// Trigger triggers an action of Node workers: POST /v1/trigger.
type Trigger struct {
	Targets []string `json:"targets"`
	Action  string   `json:"action"`
	Params  string   `json:"params,omitempty"`
}

// Targets is a request without other parameters: POST /v1/flush.
type Targets struct {
	Targets []string `json:"targets"`
}

// LogQuery selects lines: GET /v1/logs.
type LogQuery struct {
	Targets []string // empty: every worker
	Lines   int      // the last N of those that are kept
	Stream  string   // out, err; "": both
	Follow  bool     // send new lines as they come
}

// EventQuery selects events: GET /v1/events.
type EventQuery struct {
	After  uint64 // only later ones than this Seq
	Follow bool   // send new events as they happen
}

// Signalled answers POST /v1/signal.
type Signalled struct {
	Signalled int `json:"signalled"` // processes that got it; 0: nobody handles it
}

// Sent answers POST /v1/send.
type Sent struct {
	Sent  int    `json:"sent"`            // workers that got it
	Error string `json:"error,omitempty"` // about the workers that did not
}

// Replies answers POST /v1/trigger.
type Replies struct {
	Replies []json.RawMessage `json:"replies"`
	Error   string            `json:"error,omitempty"` // about the workers that did not reply
}

// Failure is the body of an answer with another status than 200.
type Failure struct {
	Error string `json:"error"`
}
