package health

import "time"

// Check is an app's own health check, the value of its `health` key: exactly one of
// HTTP, TCP and Exec.
type Check struct {
	HTTP *HTTPCheck
	TCP  *TCPCheck
	Exec []string // a command, which succeeds when it exits 0

	Interval    time.Duration // between two checks, once one has succeeded
	Timeout     time.Duration // of one check
	Retries     int           // failures in a row that make a worker unhealthy
	StartPeriod time.Duration // in which failures do not count; 0: they count at once
	OnFailure   Action
}

// HTTPCheck sends an HTTP/1.1 request on a new connection, and looks at the status
// alone. What follows the first 4 KiB of the response is not waited for.
type HTTPCheck struct {
	Path    string // with its query; "": "/"
	Port    int    // 0: the app's
	Scheme  Scheme
	Method  string            // "": GET
	Headers map[string]string // Host, User-Agent too
	Status  StatusRanges      // that succeed; none: 200-399. Redirects are not followed.
}

// TCPCheck succeeds when a connection is established. The kernel does that for
// any process that listens: one that hangs or is stopped passes it too, as
// long as its accept queue has room. Only HTTP and Exec find those.
type TCPCheck struct {
	Port int // 0: the app's
}

// Scheme is the scheme of the URL.
type Scheme int

// The schemes.
const (
	Plain Scheme = iota
	TLS          // the certificate is not verified: the server is on this machine
)

// String returns the scheme as the ecosystem file writes it.
func (s Scheme) String() string { return [...]string{"http", "https"}[s] }

// Action is what gorun does with an unhealthy worker.
type Action int

// The actions.
const (
	Restart Action = iota // by the restart policy
	Unready               // no new connections until it recovers
)

// String returns the action as the ecosystem file writes it.
func (a Action) String() string { return [...]string{"restart", "unready"}[a] }

// Defaults is a check with the defaults of the ecosystem file, without HTTP, TCP or
// Exec. Zero stands for them, too, where it cannot be meant: Interval, Timeout, Retries.
func Defaults() Check {
	return Check{Interval: 10 * time.Second, Timeout: 2 * time.Second, Retries: 3, StartPeriod: 30 * time.Second}
}

// withDefaults fills in the defaults where zero cannot be meant.
func (c Check) withDefaults() Check {
	defaults := Defaults()
	if c.Interval <= 0 {
		c.Interval = defaults.Interval
	}
	if c.Timeout <= 0 {
		c.Timeout = defaults.Timeout
	}
	if c.Retries <= 0 {
		c.Retries = defaults.Retries
	}
	return c
}

// Port is the port to dial for the check; 0: the app's.
func (c Check) Port() int {
	switch {
	case c.HTTP != nil:
		return c.HTTP.Port
	case c.TCP != nil:
		return c.TCP.Port
	}
	return 0
}

// Kind is how the check is made: http, tcp or exec; "" for no check.
func (c *Check) Kind() string {
	switch {
	case c == nil:
		return ""
	case c.HTTP != nil:
		return "http"
	case c.TCP != nil:
		return "tcp"
	}
	return "exec"
}
