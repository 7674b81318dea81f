package supervisor

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gorun/supervisor/hooks"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// noteOf has the facts of an end for hooks.
func (w *worker) noteOf(end ended) hooks.Event {
	exit := w.status.LastExit
	ending := &hooks.ExitStatus{Text: exit.Text, Code: exit.Code, Tail: end.tail}
	if end.signal != 0 {
		ending.Signal = signalName(end.signal)
	}
	return hooks.Event{Time: exit.At, Pid: end.pid, Reason: end.reason.String(), Exit: ending, Uptime: exit.Uptime}
}

// tellEnd tells hooks of an end that nobody has asked for.
func (w *worker) tellEnd(end ended, next restart.Decision) {
	n := w.noteOf(end)
	n.Next = whatNext(next)
	w.tell(hooks.Exit, n)
	if next.Verdict == restart.GiveUp {
		w.tell(hooks.GiveUp, n)
	}
}

// again counts a restart. Hooks hear of it once the process runs, unless
// somebody has asked for it; n has the end of the one before, if it has ended.
func (w *worker) again(why status.Reason, n hooks.Event) {
	w.status.Restarts[why]++
	switch why {
	case status.ByManual, status.ByReload:
		w.resumed = nil
	case status.ByExit, status.ByMemory, status.ByCron, status.ByWatch, status.ByHealth, status.ByWatchdog:
		n.Reason = why.String()
		w.resumed = &n
	}
}

// tellResumed tells hooks of a restart whose process runs.
func (w *worker) tellResumed() {
	if w.resumed == nil {
		return
	}
	n := *w.resumed
	n.Time, n.Pid, n.Next = w.status.Started, w.status.Pid, "online when it is ready"
	w.resumed = nil
	w.tell(hooks.Restart, n)
}

// tell hands an event to the hooks of the app. It never waits.
func (w *worker) tell(event hooks.EventKind, n hooks.Event) {
	to := w.hooksFor(event)
	if len(to) == 0 {
		return
	}
	n.Kind, n.Host, n.App, n.Instance = event, w.tools.host, w.status.App, w.status.Instance
	h := hookRun{tools: w.tools, app: w.app, worker: w.name, instance: w.status.Instance, id: w.status.ID}
	w.tools.herald.Dispatch(n, to, h.run)
}

func (w *worker) hooksFor(event hooks.EventKind) []hooks.Hook {
	switch event {
	case hooks.Exit:
		return w.app.OnExit
	case hooks.Restart:
		return w.app.OnRestart
	case hooks.GiveUp:
		return w.app.OnGiveup
	}
	return nil
}

// hookRun is what a hook's command is run with: all of it never changes.
type hookRun struct {
	tools        *tools
	app          *spec.App
	worker       string
	instance, id int
}

// outputLimit bounds how much of what a hook's command writes is kept, in bytes.
const outputLimit = 4 << 10

// run runs the command as the app's workers run, and returns its last words.
func (h hookRun) run(ctx context.Context, c hooks.Command) (lines []string, err error) {
	in, input, err := pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	defer input.Close() // and the goroutine's end, where nobody reads
	output, out, err := pipe()
	if err != nil {
		return nil, err
	}
	defer output.Close()
	defer out.Close()
	last := collect(output)
	go func() {
		_, _ = input.Write(c.Input) // a command need not read it
		_ = input.Close()
	}()
	// A pipe has two ends of its own mode; those of the command wait, as programs expect.
	_, _ = in.Fd(), out.Fd()
	err = aside(ctx, h.tools.reaper, process.Spec{
		Argv: c.Argv, Env: h.environ(c.Environ), Dir: h.app.Dir, User: h.app.User.Credential(),
		Stdin: in, Stdout: out, Stderr: out, Marker: h.worker + "/hook/" + rand.Text(), Memory: h.tools.cgroup.MemoryLimit(),
	})
	_ = out.Close() // the last that holds it
	_ = output.SetReadDeadline(time.Now().Add(lastWords))
	return <-last, err
}

func pipe() (read, write *os.File, err error) {
	read, write, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe for a hook: %w", err)
	}
	return read, write, nil
}

// collect reads to the end, and then has the last lines.
func collect(from *os.File) <-chan []string {
	last := make(chan []string, 1)
	go func() {
		var kept []byte
		block := make([]byte, outputLimit)
		for {
			n, err := from.Read(block)
			kept = append(kept, block[:n]...)
			kept = kept[max(0, len(kept)-outputLimit):]
			if err != nil {
				break
			}
		}
		last <- strings.FieldsFunc(string(kept), func(r rune) bool { return r == '\n' || r == '\r' })
	}()
	return last
}

// environ is the environment of the app's workers with more over it.
func (h hookRun) environ(more []string) []string {
	given := map[string]bool{}
	for _, pair := range more {
		name, _, _ := strings.Cut(pair, "=")
		given[name] = true
	}
	own := slices.DeleteFunc(withoutNotify(h.app.Environ(h.instance, h.id)), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return given[name]
	})
	return append(own, more...)
}
