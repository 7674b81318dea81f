package control

import (
	"time"

	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

// appOf is an app as the API shows it.
func appOf(a status.App) client.App {
	app := client.App{
		Name: a.Name, Namespace: a.Namespace, Mode: a.Mode, Sharing: a.Sharing, Interpreter: a.Interpreter, Script: a.Script, ScriptPath: a.ScriptPath,
		Desired: a.Desired, Online: a.Online(), MemoryLimit: a.MemoryLimit, Troubles: a.Troubles(),
		Workers: make([]client.Worker, 0, len(a.Workers)),
	}
	if next := a.NextRun; !next.IsZero() {
		app.NextRun, app.Waiting = &next, a.Waiting(time.Now())
	}
	for _, w := range a.Workers {
		app.Workers = append(app.Workers, workerOf(w))
	}
	for _, p := range a.Ports {
		app.Ports = append(app.Ports, client.Port(p))
	}
	return app
}

func workerOf(w status.Worker) client.Worker {
	worker := client.Worker{
		ID: w.ID, Instance: w.Instance, State: w.State.String(), Since: w.Since, Ready: w.Ready, Pid: w.Pid,
		Unstable: w.Unstable, LastError: w.LastError,
		CPUSeconds: w.Usage.CPU.Seconds(), Memory: w.Usage.Resident, OpenFDs: w.Usage.Descriptors,
		Threads: w.Usage.Threads, Processes: w.Usage.Processes,
		Lines: client.Lines{OutLines: w.Lines.OutLines, ErrLines: w.Lines.ErrLines},
	}
	if !w.Started.IsZero() {
		started := w.Started
		worker.Started = &started
	}
	worker.Restarts = w.Restarted()
	if exit := w.LastExit; exit != nil {
		worker.LastExit = &client.Exit{Code: exit.Code, Text: exit.Text, At: exit.At, Uptime: exit.Uptime.Seconds()}
	}
	if w.Probe.Checks > 0 {
		worker.Health = &client.Health{OK: w.Probe.Up, Text: w.Probe.Text}
	}
	if v := w.Vitals; v != nil {
		worker.Node = &client.Node{
			DelayP50: v.P50, DelayP95: v.P95, DelayP99: v.P99,
			HeapUsed: v.HeapUsed, HeapReserved: v.HeapReserved, HeapLimit: v.HeapLimit,
			Handles: v.Handles, Requests: v.Requests, Pauses: w.Totals.Pauses, PauseSeconds: w.Totals.Pause,
		}
	}
	for _, c := range w.Custom {
		worker.Custom = append(worker.Custom, client.Custom{Name: c.Name, Unit: c.Unit, Value: c.Value})
	}
	return worker
}

func overviewOf(s status.Snapshot, now time.Time) client.Overview {
	view := client.Overview{Time: now, ShuttingDown: s.ShuttingDown, Apps: make([]client.App, 0, len(s.Apps))}
	for _, a := range s.Apps {
		view.Apps = append(view.Apps, appOf(a))
	}
	return view
}

// instanceOf is nil for what is about the whole app.
func instanceOf(instance int) *int {
	if instance == status.EveryWorker {
		return nil
	}
	return &instance
}

func progressOf(p status.Progress) client.Progress {
	line := client.Progress{App: p.App, Text: p.Text, Failed: p.Failed}
	if p.App != "" {
		line.Instance = instanceOf(p.Instance)
	}
	return line
}

func eventOf(e status.Event) client.Event {
	event := client.Event{Seq: e.Seq, Time: e.Time, App: e.App, Kind: e.Kind, Text: e.Text, Data: e.Data}
	if e.App != "" {
		event.Instance = instanceOf(e.Instance)
	}
	return event
}

func changesOf(changes []status.Change) []client.Change {
	all := make([]client.Change, 0, len(changes))
	for _, c := range changes {
		all = append(all, client.Change{App: c.App, What: c.What.String(), Why: c.Why})
	}
	return all
}
