package client

import (
	"slices"

	"gorun/supervisor/status"
)

// Select returns the apps and workers of an overview that the words select, by the
// rules of the server.
func Select(words []string, apps []App) ([]App, error) {
	var known []status.App
	for _, app := range apps {
		one := status.App{Name: app.Name, Namespace: app.Namespace}
		for _, w := range app.Workers {
			one.Workers = append(one.Workers, status.Worker{App: app.Name, Instance: w.Instance, ID: w.ID})
		}
		known = append(known, one)
	}
	targets, err := Resolve(words, known)
	if err != nil {
		return nil, err
	}
	var left []App
	for _, app := range apps {
		app.Workers = slices.DeleteFunc(slices.Clone(app.Workers), func(w Worker) bool {
			return !slices.Contains(targets, status.Target{App: app.Name, Instance: w.Instance}) &&
				!slices.Contains(targets, status.Target{App: app.Name, Instance: status.EveryWorker})
		})
		if len(app.Workers) > 0 {
			left = append(left, app)
		}
	}
	return left, nil
}
