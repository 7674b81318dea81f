package spec

import "gorun/supervisor/status"

// Verb is what an operator asks for.
type Verb int

// The verbs.
const (
	Start   Verb = iota // what does not run
	Stop                // until somebody starts it
	Restart             // stop, then start
	Reload              // replace, without losing a connection
	Delete              // stop and forget
	Reset               // set the counters of restarts to zero
)

// String returns the verb as commands name it.
func (v Verb) String() string {
	return [...]string{"start", "stop", "restart", "reload", "delete", "reset"}[v]
}

// Past names the verb when it is done.
func (v Verb) Past() string {
	return [...]string{"started", "stopped", "restarted", "reloaded", "deleted", "reset"}[v]
}

// Order is what an operator asks for.
type Order struct {
	Verb     Verb
	Targets  []status.Target
	Parallel int // Reload: how many workers at a time; 0: as the app says
}

// Size is how many workers an app is to have.
type Size struct {
	Workers  int
	Relative bool // Workers more than now, or fewer
}

// From is that number for an app that has now workers.
func (s Size) From(now int) int {
	if s.Relative {
		return now + s.Workers
	}
	return s.Workers
}

// Revision is what an ecosystem file says by now.
type Revision struct {
	Apps     []App
	Partial  bool // what is not in it stays as it is
	All      bool // reload what has not changed, too: the code on disk may have
	Restart  bool // stop and start where a reload would replace
	Start    bool // start what is at rest, too, unless its autostart is false
	Wait     bool // for what is under way, where that would refuse or be superseded
	Parallel int  // workers of an app that are replaced at a time; 0: as the app says
}
