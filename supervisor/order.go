package supervisor

import (
	"gorun/supervisor/ecosystem"
)

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

// EveryWorker is the instance of a target that is a whole app.
const EveryWorker = -1

// Target is an app, or one worker of it.
type Target struct {
	App      string
	Instance int // within the app; EveryWorker: all of them
}

// Order is what an operator asks for.
type Order struct {
	Verb     Verb
	Targets  []Target
	Parallel int    // Reload: how many workers at a time; 0: as the app says
	Reason   Reason // what it counts as; ByExit: as the verb says
}

// Size is how many workers an app is to have.
type Size struct {
	Workers  int
	Relative bool // Workers more than now, or fewer
}

// Edition is what an ecosystem file says by now.
type Edition struct {
	Apps     []ecosystem.App
	Partial  bool // what is not in it stays as it is
	All      bool // reload what has not changed, too: the code on disk may have
	Restart  bool // stop and start where a reload would replace
	Start    bool // start what is at rest, too, unless its autostart is false
	Parallel int  // workers of an app that are replaced at a time; 0: as the app says
}

// Change is what an edition does to an app.
type Change struct {
	App  string
	What Step
	Why  []string // the keys that have changed, in the file's words
}

// Step is what is done to an app so that it is what its edition says.
type Step int

// The steps.
const (
	Keep    Step = iota // nothing
	Add                 // start it: it is new
	Remove              // stop it: it is gone from the file
	Replace             // reload it, worker by worker
	Renew               // stop and start it: old and new cannot share their ports
)

// String returns the step for people.
func (s Step) String() string {
	return [...]string{"keep", "add", "remove", "reload", "restart"}[s]
}

// Progress is one line of news while an order is carried out.
type Progress struct {
	App      string // "": about the whole
	Instance int    // EveryWorker: about the app
	Text     string // for people, one line
	Failed   bool
}
