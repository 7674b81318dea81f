package worker

import (
	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Update is what a worker is to run by from now on.
type Update struct {
	Number  uint64 // grows with each update of the app
	Spec    *spec.App
	Reason  status.Reason
	Rolling bool // beside the old invocation where that can be, else after its end
}

// Progress is how far a worker has come with its latest update.
type Progress struct {
	Number uint64
	Done   bool  // it is online by it, has ended well by it, or has failed
	Err    error // why it failed
}

// target is what a worker is to come to.
type target struct {
	spec    *spec.App // what the next invocation is started by
	update  Progress
	output  *logs.Worker
	publish func()
}

// beginUpdate notes the update that the next invocation is started by.
func (t *target) beginUpdate(u Update) {
	t.update = Progress{Number: u.Number}
	t.setRevision(u.Spec)
}

// setRevision makes the worker run by another revision of its app. Its next invocation
// writes to the log files of that one.
func (t *target) setRevision(conf *spec.App) {
	if conf.Logs != t.spec.Logs {
		t.output.Reconfigure(conf.Logs)
	}
	t.spec = conf
}

// complete says that the update has come to its end, if it has not: the worker is online
// by it or has ended well, or err.
func (t *target) complete(err error) {
	if !t.update.Done {
		t.update.Done, t.update.Err = true, err
		t.publish()
	}
}
