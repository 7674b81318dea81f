package client

import (
	"encoding/json"
	"time"
)

// App is one app as the API shows it.
type App struct {
	Name        string   `json:"name"`
	Namespace   string   `json:"namespace"`
	Mode        string   `json:"mode"`    // fork, cluster
	Sharing     string   `json:"sharing"` // none, node, intercept, inherit
	Interpreter string   `json:"interpreter"`
	Script      string   `json:"script"`                // as the file has it
	ScriptPath  string   `json:"script_path,omitempty"` // where that is, if it is a file
	Desired     int      `json:"desired"`
	Online      int      `json:"online"`
	MemoryLimit int64    `json:"memory_limit_bytes,omitempty"` // max_memory_restart
	Troubles    []string `json:"troubles,omitempty"`
	Workers     []Worker `json:"workers"`
	Ports       []Port   `json:"ports,omitempty"`

	NextRun *time.Time `json:"next_run,omitempty"` // at rest until then, by its schedule; nil: it is not
	Waiting string     `json:"waiting,omitempty"`  // the same for people, with the last run: waiting for 17:23, last run 3
}

// Worker is one worker of an app.
type Worker struct {
	ID         int        `json:"id"`       // pm_id, unique over all apps
	Instance   int        `json:"instance"` // within the app
	State      string     `json:"state"`    // in pm2's words
	Since      time.Time  `json:"since"`
	Ready      bool       `json:"ready"`
	Pid        int        `json:"pid,omitempty"`
	Started    *time.Time `json:"started,omitempty"` // nil: no process
	Restarts   uint64     `json:"restarts"`
	Unstable   int        `json:"unstable_restarts"`
	LastExit   *Exit      `json:"last_exit,omitempty"`
	LastError  string     `json:"last_error,omitempty"` // why it could not be started, or was not ready in time
	Health     *Health    `json:"health,omitempty"`     // nil: nothing was checked
	CPUSeconds float64    `json:"cpu_seconds"`          // of the tree, over all runs
	Memory     int64      `json:"memory_bytes"`         // resident, of the tree
	OpenFDs    int        `json:"open_fds"`
	Threads    int        `json:"threads"`
	Processes  int        `json:"processes"`
	Lines
	Node   *Node    `json:"node,omitempty"`           // with node_metrics
	Custom []Custom `json:"custom_metrics,omitempty"` // by @pm2/io, by name
}

// Lines counts what a worker has written.
type Lines struct {
	OutLines uint64 `json:"out_lines"`
	ErrLines uint64 `json:"err_lines"`
}

// Health is what the last health check of a worker found.
type Health struct {
	OK   bool   `json:"ok"`
	Text string `json:"text"` // 200 OK, connection refused
}

// Node has the metrics of a Node process, of the last second; the pauses are of all
// runs.
type Node struct {
	DelayP50     float64 `json:"event_loop_delay_p50_seconds"`
	DelayP95     float64 `json:"event_loop_delay_p95_seconds"`
	DelayP99     float64 `json:"event_loop_delay_p99_seconds"`
	HeapUsed     int64   `json:"heap_bytes"`
	HeapReserved int64   `json:"heap_reserved_bytes"`
	HeapLimit    int64   `json:"heap_limit_bytes"`
	Handles      int     `json:"active_handles"`
	Requests     int     `json:"active_requests"`
	Pauses       uint64  `json:"gc_pauses"`
	PauseSeconds float64 `json:"gc_pause_seconds"`
}

// Custom is a metric that the app itself reports.
type Custom struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit,omitempty"`
	Value float64 `json:"value"`
}

// Exit is how the last run of a worker ended.
type Exit struct {
	Code   int       `json:"code"`
	Text   string    `json:"text"` // 137 = SIGKILL, out of memory: limit 512 MiB
	At     time.Time `json:"at"`
	Uptime float64   `json:"uptime_seconds"`
}

// Port is the accept queue of a worker at a shared address.
type Port struct {
	Address  string `json:"address"`
	Instance int    `json:"instance"`
	Length   int    `json:"queue_length"`
	Limit    int    `json:"queue_limit"`
}

// Overview answers GET /v1/apps.
type Overview struct {
	Time         time.Time `json:"time"` // of the sample, for rates of CPUSeconds
	Pid          int       `json:"pid"`  // gorun's own
	Version      string    `json:"version"`
	ShuttingDown bool      `json:"shutting_down"`
	Apps         []App     `json:"apps"`
}

// Progress is one line of the answer to an order: application/x-ndjson. The last one
// has Done set; the order failed if it has an Error.
type Progress struct {
	App      string `json:"app,omitempty"`
	Instance *int   `json:"instance,omitempty"` // nil: about the app, or the whole
	Text     string `json:"text,omitempty"`
	Failed   bool   `json:"failed,omitempty"`
	Done     bool   `json:"done,omitempty"`
	Error    string `json:"error,omitempty"`
}

// Line is one line that a worker wrote.
type Line struct {
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time"`
	App      string    `json:"app"`
	Instance int       `json:"instance"`
	ID       int       `json:"id"`
	Stream   string    `json:"stream"` // out, err
	Text     string    `json:"text"`
	Missed   uint64    `json:"missed,omitempty"` // lines before this one that this reader was too slow for
}

// Event is one event of an app or of gorun.
type Event struct {
	Seq      uint64          `json:"seq"`
	Time     time.Time       `json:"time"`
	App      string          `json:"app,omitempty"`
	Instance *int            `json:"instance,omitempty"`
	Kind     string          `json:"kind"`
	Text     string          `json:"text"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// Change is a line of a plan.
type Change struct {
	App  string   `json:"app"`
	What string   `json:"what"`          // keep, add, remove, reload, restart
	Why  []string `json:"why,omitempty"` // keys that have changed
}
