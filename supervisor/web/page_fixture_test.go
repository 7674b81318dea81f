package web

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"gorun/supervisor/status"
)

// fakeSupervisor is a supervisor in tests of the page.
type fakeSupervisor struct {
	snapshot status.Snapshot
	events   []status.Event
	mu       sync.Mutex
	samples  int
}

// Sample lets time pass for the workers: each uses up some processor.
func (w *fakeSupervisor) Sample() status.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.samples++
	snapshot := w.snapshot
	snapshot.Apps = slices.Clone(snapshot.Apps)
	for i := range snapshot.Apps {
		workers := slices.Clone(snapshot.Apps[i].Workers)
		for j := range workers {
			workers[j].Usage.CPU += time.Duration(w.samples*(j+1)) * 10 * time.Millisecond
		}
		snapshot.Apps[i].Workers = workers
	}
	return snapshot
}

func (w *fakeSupervisor) Recent(n int) []status.Event {
	return w.events[max(0, len(w.events)-n):]
}

func worker(app string, id, instance int, now time.Time) status.Worker {
	born := now.Add(-3 * time.Hour)
	w := status.Worker{
		App: app, Instance: instance, ID: id + instance, State: status.Online, Ready: true, Since: born, Pid: 100 + instance,
		Started: born, FirstStarted: born, Starts: 1, OnlineOnce: true,
		Usage: status.Usage{CPU: time.Duration(instance+1) * 9 * time.Minute, Resident: int64(60+13*instance) << 20},
	}
	return w
}

func workers(app string, id, n int, now time.Time) status.App {
	one := status.App{Name: app, Mode: "cluster", Sharing: "node", Desired: n, ReadyMin: 1, EverReady: true, Grace: time.Minute}
	for i := range n {
		one.Workers = append(one.Workers, worker(app, id, i, now))
		one.Ports = append(one.Ports, status.Port{Address: "[::]:3000", Instance: i, Length: i % 3, Limit: 511})
	}
	return one
}

// threeApps is a gorun with three apps of four workers, not all of them well.
func threeApps(now time.Time) *fakeSupervisor {
	api, web, jobs := workers("api", 0, 4, now), workers("web", 4, 4, now), workers("jobs", 8, 4, now)
	api.Relays = []status.Relay{{Address: "[::]:3000", Connections: 12}}
	api.MemoryLimit, web.Namespace = 512<<20, "front"
	killed := status.Exit{Code: 137, Outcome: status.OutOfMemory, Text: "137 = SIGKILL, out of memory: limit 512 MiB", At: now.Add(-90 * time.Second)}
	crashed := &api.Workers[2]
	crashed.State, crashed.Ready, crashed.Pid, crashed.Since = status.WaitingRestart, false, 0, now.Add(-2*time.Second)
	crashed.LastExit, crashed.Backoff, crashed.Usage.Resident = &killed, 8*time.Second, 0
	crashed.Restarts[status.ByExit], crashed.Started = 7, time.Time{}
	api.Workers[1].LastExit = &status.Exit{Outcome: status.Clean, Text: "0", At: now.Add(-3 * time.Hour)}
	api.Workers[1].Restarts[status.ByCron] = 1
	api.Workers[3].State, api.Workers[3].Ready, api.Workers[3].Started = status.Launching, false, now.Add(-3*time.Second)
	jobs.Ports, jobs.Mode, jobs.Desired, jobs.StoppedByOperator = nil, "fork", 0, true
	for i := range jobs.Workers {
		jobs.Workers[i] = status.Worker{App: "jobs", Instance: i, ID: 8 + i, LastExit: &status.Exit{Text: "143 = SIGTERM", At: now.Add(-time.Hour)}}
	}
	return &fakeSupervisor{
		snapshot: status.Snapshot{
			Apps:  []status.App{api, web, jobs},
			Group: status.Cgroup{MemoryUsage: 812 << 20, MemoryLimit: 2 << 30, OOMKills: 2, CPULimit: 2},
		},
		events: manyEvents(now),
	}
}

func manyEvents(now time.Time) []status.Event {
	var events []status.Event
	add := func(instance int, kind, text string) {
		seq := uint64(len(events) + 1)
		at := now.Add(-time.Duration(61-len(events)) * 7 * time.Second)
		events = append(events, status.Event{Seq: seq, Time: at, App: "api", Instance: instance, Kind: kind, Text: text})
	}
	for i := range 15 {
		add(i%4, "state", "launching → online")
		add(i%4, "message", `{"token":"s3cr3t"}`)
		add(2, "exit", "exit 137 = SIGKILL, out of memory: limit 512 MiB, again in 8s")
	}
	for i := range 5 {
		add(status.EveryWorker, "scale", fmt.Sprintf("scale from %d to %d", i+1, i+2))
	}
	return events
}
