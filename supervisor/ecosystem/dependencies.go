package ecosystem

import (
	"maps"
	"slices"
	"strings"

	"gorun/supervisor/spec"
)

// dependency is an entry of depends_on with its position.
type dependency struct {
	spec.Dependency
	at position
}

// dependenciesVar is a list of apps, or a mapping of apps to conditions. Whether
// they exist is checked once all of them are known.
func dependenciesVar(field *[]dependency) Type {
	conditions := []string{"online", "completed"}
	add := func(app string, condition spec.Condition, at position) {
		*field = append(*field, dependency{spec.Dependency{App: app, Condition: condition}, at})
	}
	return Type{forms: []any{ref("words"), mapOf(shape{"enum": conditions})}, set: func(in scope, s setting) {
		switch s.value.kind {
		case mapping:
			for _, e := range s.value.entries {
				add(e.key, spec.Condition(s.inner(e).oneOf(in.report, conditions...)), e.at)
			}
		case list:
			for i, name := range s.texts(in.report) {
				add(name, spec.Online, s.value.list[i].at)
			}
		case null, boolean, number, text:
			add(s.text(in.report), spec.Online, s.value.at)
		}
	}}
}

// resolveDependencies checks depends_on between the apps. Apps that --only
// excludes are not waited for.
func resolveDependencies(r *report, chosen, all []*builder) {
	apps, known := map[string]*builder{}, map[string]bool{}
	for _, b := range chosen {
		apps[b.app.Name] = b
		apps[b.appNames().name] = b
	}
	for _, b := range all {
		called := b.appNames()
		known[called.name], known[called.full] = true, true
	}
	for _, b := range chosen {
		for _, need := range b.depends {
			switch target, ok := apps[need.App]; {
			case ok:
				checkCondition(r, target.app, need)
				b.app.DependsOn = append(b.app.DependsOn, spec.Dependency{App: target.app.Name, Condition: need.Condition})
			case known[need.App]:
				r.warn(need.at, "depends_on: app %q is excluded by --only; app %q does not wait for it", need.App, b.app.Name)
			default:
				r.mistake(need.at, "depends_on: unknown app %s%s", quote(need.App),
					didYouMean(need.App, slices.Sorted(maps.Keys(known))))
			}
		}
	}
	checkCycles(r, chosen, apps)
}

// checkCondition warns of a condition that is never met without an operator.
func checkCondition(r *report, target spec.App, need dependency) {
	name := target.Name
	if !target.Autostart {
		r.warn(need.at, "depends_on: app %q has autostart: false; this app waits until it is started by hand", name)
	}
	policy := target.Restart
	if need.Condition == spec.Completed && policy.Auto && !slices.Contains(policy.StopCodes, 0) {
		r.warn(need.at, "depends_on: app %q restarts whenever it exits and never completes; set autorestart: false on it", name)
	}
}

// checkCycles reports apps that wait for each other, each cycle once.
func checkCycles(r *report, builders []*builder, apps map[string]*builder) {
	done := map[string]bool{}
	var path []string
	var visit func(name string, at position)
	visit = func(name string, at position) {
		b, ok := apps[name]
		if !ok {
			return
		}
		name = b.app.Name
		if i := slices.Index(path, name); i >= 0 {
			cycle := strings.Join(append(slices.Clone(path[i:]), name), " → ")
			r.mistake(at, "depends_on: dependency cycle: %s", cycle)
			return
		}
		if done[name] {
			return
		}
		path = append(path, name)
		for _, need := range b.depends {
			visit(need.App, need.at)
		}
		path = path[:len(path)-1]
		done[name] = true
	}
	for _, b := range builders {
		visit(b.app.Name, b.at)
	}
}
