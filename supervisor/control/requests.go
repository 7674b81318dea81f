package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Ping answers GET /v1/ping.
type Ping struct {
	Pid     int    `json:"pid"`
	Version string `json:"version"`
}

// Order asks for something to be done to workers: POST /v1/orders.
type Order struct {
	Verb     string   `json:"verb"`               // start, stop, restart, reload, delete, reset
	Targets  []string `json:"targets"`            // as in commands: api, 3, api/2, /re/, a namespace, all
	Parallel int      `json:"parallel,omitempty"` // reload: workers at a time; 0: as the app says
}

// Scale asks for another number of workers: POST /v1/scale.
type Scale struct {
	App     string `json:"app"`
	Workers string `json:"workers"` // 4, +3, -2, max
}

// Edition asks for an ecosystem file to be applied: POST /v1/apply. GET /v1/plan
// takes the same as a query.
type Edition struct {
	File     string   `json:"file,omitempty"`     // absolute; "": the one that gorun was started with
	Only     []string `json:"only,omitempty"`     // names or namespaces; the rest stays as it is
	All      bool     `json:"all,omitempty"`      // reload what has not changed, too
	Restart  bool     `json:"restart,omitempty"`  // stop and start instead of a reload
	Start    bool     `json:"start,omitempty"`    // start what is at rest, too, unless its autostart is false
	Partial  bool     `json:"partial,omitempty"`  // what is not in the file stays as it is
	Parallel int      `json:"parallel,omitempty"` // workers of an app at a time; 0: as the app says
}

// Signal asks for a signal to be sent: POST /v1/signal.
type Signal struct {
	Signal  string   `json:"signal"` // SIGUSR1, USR1, 10
	Targets []string `json:"targets"`
}

// Message is for the IPC channel of Node workers: POST /v1/send.
type Message struct {
	Targets []string        `json:"targets"`
	Message json.RawMessage `json:"message"`
}

// Trigger starts an action that Node workers offer: POST /v1/trigger.
type Trigger struct {
	Targets []string `json:"targets"`
	Action  string   `json:"action"`
	Params  string   `json:"params,omitempty"`
}

// Targets is a request that names nothing else: POST /v1/flush.
type Targets struct {
	Targets []string `json:"targets"`
}

// LogQuery says which lines are wanted: GET /v1/logs.
type LogQuery struct {
	Targets []string // empty: every worker
	Lines   int      // the last so many of what is kept
	Stream  string   // out, err; "": both
	Follow  bool     // go on with what comes
}

// EventQuery says which events are wanted: GET /v1/events.
type EventQuery struct {
	After  uint64 // only later ones than this Seq
	Follow bool   // go on with what comes
}

// badInputError is the caller's mistake.
type badInputError struct{ err error }

func (e badInputError) Error() string { return e.err.Error() }
func (e badInputError) Unwrap() error { return e.err }

func badInput(format string, args ...any) error { return badInputError{fmt.Errorf(format, args...)} }

// verbs are the orders by name.
var verbs = map[string]spec.Verb{
	"start": spec.Start, "stop": spec.Stop, "restart": spec.Restart,
	"reload": spec.Reload, "delete": spec.Delete, "reset": spec.Reset,
}

func (o Order) parse(apps []status.App) (spec.Order, error) {
	verb, known := verbs[o.Verb]
	if !known {
		return spec.Order{}, badInput("there is no order %q; there are: %s", o.Verb, strings.Join(slices.Sorted(maps.Keys(verbs)), ", "))
	}
	if err := checkParallel(o.Parallel); err != nil {
		return spec.Order{}, err
	}
	targets, err := resolve(o.Targets, apps)
	return spec.Order{Verb: verb, Targets: targets, Parallel: o.Parallel}, err
}

func checkParallel(n int) error {
	if n < 0 {
		return badInput("parallel is %d; it is the number of workers at a time, or 0 for what the app says", n)
	}
	return nil
}

// maxWorkers is what an ecosystem file may ask for, too.
const maxWorkers = 10_000

// parse returns the name of the app and its size; cpus stands for max.
func (s Scale) parse(apps []status.App, cpus int) (string, spec.Size, error) {
	targets, err := resolve([]string{s.App}, apps)
	if err != nil {
		return "", spec.Size{}, err
	}
	if len(targets) != 1 || targets[0].Instance != status.EveryWorker {
		return "", spec.Size{}, badInput("scale takes the name of one app; %s is something else", s.App)
	}
	size, err := parseSize(s.Workers, cpus)
	return targets[0].App, size, err
}

func parseSize(text string, cpus int) (spec.Size, error) {
	if text == "max" {
		return spec.Size{Workers: cpus}, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < -maxWorkers || n > maxWorkers:
		return spec.Size{}, badInput("%q is no number of workers; write 4, +3, -2 or max", text)
	case text[0] == '+' || text[0] == '-':
		return spec.Size{Workers: n, Relative: true}, nil
	case n == 0:
		return spec.Size{}, badInput("at least one worker stays; to run none, stop the app")
	}
	return spec.Size{Workers: n}, nil
}

// parse loads the file. What Only leaves out is not gone from it: it stays.
func (e Edition) parse(load Load) (spec.Revision, error) {
	if e.File != "" && !filepath.IsAbs(e.File) {
		return spec.Revision{}, badInput("%s: the path must be absolute: gorun's working directory is not yours", e.File)
	}
	if err := checkParallel(e.Parallel); err != nil {
		return spec.Revision{}, err
	}
	apps, err := load(e.File, e.Only)
	if err != nil {
		return spec.Revision{}, badInputError{err}
	}
	return spec.Revision{
		Apps: apps, Partial: e.Partial || len(e.Only) > 0, All: e.All, Restart: e.Restart, Start: e.Start, Parallel: e.Parallel,
	}, nil
}

func (m Message) check() error {
	if len(m.Message) == 0 {
		return badInput("there is no message to send; give any JSON as message")
	}
	return nil
}

func (t Trigger) check() error {
	if t.Action == "" {
		return badInputError{errors.New("name the action to trigger")}
	}
	return nil
}
