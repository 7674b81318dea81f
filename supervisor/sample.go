package supervisor

import (
	"gorun/supervisor/app"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
	"gorun/supervisor/worker"
)

// Snapshot copies what the workers have published.
func (s *Supervisor) Snapshot() status.Snapshot {
	snapshot, _ := s.snapshot()
	return snapshot
}

// snapshot also has what each app has published, from the same moment.
func (s *Supervisor) snapshot() (status.Snapshot, []*app.Published) {
	var all []*app.Published
	snapshot := status.Snapshot{ShuttingDown: s.stopping.Load(), OrphansReaped: s.options.Reaper.Orphans(), Config: s.config.load()}
	for _, a := range s.apps.all() {
		p := a.Published()
		all = append(all, p)
		snapshot.Apps = append(snapshot.Apps, p.Status())
	}
	return snapshot, all
}

// Sample is Snapshot with what the workers' trees and the cgroup use now.
func (s *Supervisor) Sample() status.Snapshot {
	snapshot, published := s.snapshot()
	snapshot.Group = s.options.Cgroup.Read()
	var workers []*worker.Worker
	for _, p := range published {
		workers = append(workers, p.Workers...)
	}
	trees := map[*worker.Worker]worker.Tree{}
	for _, tree := range worker.Trees(workers, func(*worker.Worker) bool { return true }) {
		trees[tree.Worker] = tree
	}
	for i, p := range published {
		one := &snapshot.Apps[i]
		if p.Ports != nil {
			one.Ports, one.Relays = p.Ports.Queues(), p.Ports.Relayed()
		}
		for j, w := range p.Workers {
			tree := trees[w]
			used := usage.Of(tree.Pids)
			used.CPU = w.CPU(tree, used.CPU)
			used.Resident = usage.Memory(tree.Pids, used.Resident, w.Published().Spec.MaxMemory) // as the limit counts
			one.Workers[j].Usage, one.Workers[j].Lines = used, w.Lines()
		}
	}
	return snapshot
}

// Spec is what an app is to be; nil where there is none of that name.
func (s *Supervisor) Spec(name string) *spec.App {
	for _, a := range s.apps.all() {
		if a.Name() == name {
			return a.Published().Spec
		}
	}
	return nil
}
