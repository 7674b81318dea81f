package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/app/jobs"
	"gorun/supervisor/invocation"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// ErrNoChannel is the answer for workers without an IPC channel to gorun.
var ErrNoChannel = errors.New("none of these has an IPC channel: only scripts that node runs itself have one")

// Send sends a message to the Node workers among the targets, and returns how many
// got it.
func (s *Supervisor) Send(targets []status.Target, message json.RawMessage) (int, error) {
	got, err := s.apps.send(targets, message)
	return len(got), err
}

// send returns the workers that got the message.
func (s *apps) send(targets []status.Target, message any) ([]*worker.Worker, error) {
	has := func(i *invocation.Invocation) bool { return i.IPC().IsOpen() }
	got, err := s.each(targets, has, func(i *invocation.Invocation) error { return i.IPC().Send(message) })
	if len(got) == 0 && err == nil {
		return nil, ErrNoChannel
	}
	return got, err
}

// each does something to the present runs of the targets that can take it, and returns
// the workers where it has succeeded.
func (s *apps) each(targets []status.Target, can func(*invocation.Invocation) bool, do func(*invocation.Invocation) error) ([]*worker.Worker, error) {
	all, err := s.workers(targets)
	if err != nil {
		return nil, err
	}
	var got []*worker.Worker
	var errs []error
	for _, w := range all {
		i := w.Invocation()
		if i == nil || !can(i) {
			continue
		}
		if err := do(i); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", w.Name(), err))
			continue
		}
		got = append(got, w)
	}
	return got, errors.Join(errs...)
}

// ErrNoInput is the answer for workers that nobody can write to.
var ErrNoInput = errors.New("none of these has a standard input to write to: it has no process, or stdin: null")

// Input writes a line to the standard input of the targets, and returns how many got
// it. It never waits: a program that does not read is an error.
func (s *Supervisor) Input(targets []status.Target, line string) (int, error) {
	has := func(i *invocation.Invocation) bool { return i.Process() != nil && i.Process().Input() != nil }
	got, err := s.apps.each(targets, has, func(i *invocation.Invocation) error { return i.Process().Input().Write([]byte(line + "\n")) })
	if len(got) == 0 && err == nil {
		return 0, ErrNoInput
	}
	return len(got), err
}

// replyLimit is how long workers may take to answer an action.
const replyLimit = 10 * time.Second

// Reply is what one worker answered to an action.
type Reply struct {
	App      string          `json:"app"`
	Instance int             `json:"instance"`
	Return   json.RawMessage `json:"return,omitempty"`
}

// Trigger starts an action that Node workers offer by @pm2/io, and returns what
// they answer within ten seconds; the error names those that did not.
func (s *Supervisor) Trigger(ctx context.Context, targets []status.Target, action, params string) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, replyLimit)
	defer cancel()
	after := s.journal.latest()
	got, err := s.apps.send(targets, call(action, params))
	if err != nil {
		return nil, err
	}
	left := map[status.Target]bool{}
	for _, w := range got {
		st := w.Published()
		left[status.Target{App: st.App, Instance: st.Instance}] = true
	}
	var replies []json.RawMessage
	for len(left) > 0 {
		events, err := s.Events(ctx, after)
		if err != nil {
			return replies, noReply(action, left)
		}
		for _, e := range events {
			after = e.Seq
			from := status.Target{App: e.App, Instance: e.Instance}
			if answer, ok := replyTo(action, e); ok && left[from] {
				delete(left, from)
				text, _ := json.Marshal(Reply{e.App, e.Instance, answer}) // nothing in it can fail
				replies = append(replies, text)
			}
		}
	}
	return replies, nil
}

// call is the message that starts an action, as @pm2/io knows it.
func call(action, params string) any {
	if params == "" {
		return action
	}
	return map[string]string{"msg": action, "opts": params}
}

func noReply(action string, left map[status.Target]bool) error {
	var names []string
	for t := range left {
		names = append(names, fmt.Sprintf("%s/%d", t.App, t.Instance))
	}
	return fmt.Errorf("no answer to %q within %v from %s", action, replyLimit, strings.Join(names, ", "))
}

// replyTo returns what an event brings as the answer to an action.
func replyTo(action string, e status.Event) (json.RawMessage, bool) {
	if e.Kind != "message" {
		return nil, false
	}
	var reply struct {
		Type string `json:"type"`
		Data struct {
			Action string          `json:"action_name"`
			Return json.RawMessage `json:"return"`
		} `json:"data"`
	}
	if json.Unmarshal(e.Data, &reply) != nil || reply.Type != "axm:reply" || reply.Data.Action != action {
		return nil, false
	}
	return reply.Data.Return, true
}

// AskMetrics asks the prom-client of one Node worker for its metrics, over the IPC
// channel. It returns the whole message of the answer.
func (s *Supervisor) AskMetrics(ctx context.Context, target status.Target) (json.RawMessage, error) {
	all, err := s.apps.workers([]status.Target{target})
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if i := w.Invocation(); i != nil && i.IPC().IsOpen() {
			return i.IPC().AskMetrics(ctx) //nolint:wrapcheck // it says what was attempted
		}
	}
	return nil, ErrNoChannel
}

// Dial connects to exactly one worker, at a port that it listens on; 0: the
// first.
func (s *Supervisor) Dial(ctx context.Context, target status.Target, port int) (net.Conn, error) {
	all, err := s.apps.workers([]status.Target{target})
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if i := w.Invocation(); i != nil {
			return i.Dial(ctx, port) //nolint:wrapcheck // its words are for people as they are
		}
	}
	return nil, fmt.Errorf("%w: %s/%d has no process", jobs.ErrUnknown, target.App, target.Instance)
}

// Signal sends sig to every worker, from one look at the process table. Not for the
// signal loop: that look takes time.
func (s *Supervisor) Signal(sig unix.Signal) {
	var all []*worker.Worker
	for _, a := range s.apps.all() {
		all = append(all, a.Published().Workers...)
	}
	signalAll(all, sig)
}

// SignalTargets sends sig to the workers, and returns how many processes got it: a
// signal that is news goes to those that handle it (process.SignalAll).
func (s *Supervisor) SignalTargets(targets []status.Target, sig unix.Signal) int {
	all, _ := s.apps.workers(targets) // a worker that is gone meanwhile gets none
	return signalAll(all, sig)
}

func signalAll(workers []*worker.Worker, sig unix.Signal) int {
	var trees []*process.Process
	for _, w := range workers {
		if i := w.Invocation(); i != nil && i.Process() != nil {
			trees = append(trees, i.Process())
		}
	}
	return process.SignalAll(trees, sig)
}
