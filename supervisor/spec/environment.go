package spec

import (
	"maps"
	"slices"
	"strconv"
)

// Environment is what the workers of an app find in their environment, apart
// from what differs between them.
type Environment struct {
	Vars         map[string]string
	InstanceVar  string // holds the worker's number within the app
	IncrementVar string // grows by one from worker to worker
	First        int64  // its value for the first worker
}

// Environ returns the complete environment of a worker, as name=value, sorted
// by name. instance counts within the app and id over all apps, both from 0.
func (a App) Environ(instance, id int) []string {
	vars := maps.Clone(a.Env.Vars)
	if vars == nil {
		vars = map[string]string{}
	}
	if a.Env.IncrementVar != "" {
		vars[a.Env.IncrementVar] = strconv.FormatInt(a.Env.First+int64(instance), 10)
	}
	vars["pm_id"] = strconv.Itoa(id)
	vars["name"] = a.Name
	vars["namespace"] = a.Namespace
	vars["instances"] = strconv.Itoa(a.Instances)
	vars["exec_mode"] = a.Mode.String() + "_mode" // pm2's word in the environment
	if a.Env.InstanceVar != "" {
		vars[a.Env.InstanceVar] = strconv.Itoa(instance)
	}
	all := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		all = append(all, name+"="+vars[name])
	}
	return all
}
