package control

import (
	"slices"

	"gorun/supervisor"
)

// Choose leaves the apps and workers of an overview that the words select, as
// gorun itself understands them.
func Choose(words []string, apps []App) ([]App, error) {
	var known []supervisor.AppStatus
	for _, app := range apps {
		status := supervisor.AppStatus{Name: app.Name, Namespace: app.Namespace}
		for _, w := range app.Workers {
			status.Workers = append(status.Workers, supervisor.WorkerStatus{App: app.Name, Instance: w.Instance, ID: w.ID})
		}
		known = append(known, status)
	}
	targets, err := resolve(words, known)
	if err != nil {
		return nil, err
	}
	var left []App
	for _, app := range apps {
		app.Workers = slices.DeleteFunc(slices.Clone(app.Workers), func(w Worker) bool {
			return !slices.Contains(targets, supervisor.Target{App: app.Name, Instance: w.Instance}) &&
				!slices.Contains(targets, supervisor.Target{App: app.Name, Instance: supervisor.EveryWorker})
		})
		if len(app.Workers) > 0 {
			left = append(left, app)
		}
	}
	return left, nil
}
