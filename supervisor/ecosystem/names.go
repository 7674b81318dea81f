package ecosystem

import (
	"maps"
	"slices"
	"strings"

	"gorun/supervisor/spec"
)

// dependency is an entry of depends_on with its place.
type dependency struct {
	spec.Dependency
	at position
}

// dependencies reads depends_on; whether the apps exist is checked once all
// of them are known.
func (d *draft) dependencies() {
	s := d.setting("depends_on")
	if !s.given() {
		return
	}
	if s.value.kind == mapping {
		for _, e := range s.value.entries {
			condition := spec.Condition(d.report.oneOf(s.inner(e), "online", "completed"))
			d.depends = append(d.depends, dependency{spec.Dependency{App: e.key, Condition: condition}, e.at})
		}
		return
	}
	for i, name := range d.report.texts(s) {
		at := s.value.at
		if s.value.kind == list {
			at = s.value.list[i].at
		}
		d.depends = append(d.depends, dependency{spec.Dependency{App: name, Condition: spec.Online}, at})
	}
}

// checkNames refuses two apps of one name: commands, metrics and logs could
// not tell them apart.
func (l *loader) checkNames(drafts []*draft) {
	first := map[string]*draft{}
	for _, d := range drafts {
		if d.app.Name == "" {
			continue
		}
		if other, ok := first[d.app.Name]; ok {
			l.report.mistake(d.nameAt(), "the name %s is taken by the app at %s; give one of them another name",
				d.app.Name, l.report.place(other.nameAt()))
			continue
		}
		first[d.app.Name] = d
	}
}

func (d *draft) nameAt() position {
	for _, key := range []string{"name", "script"} {
		if s := d.setting(key); s.given() {
			return s.value.at
		}
	}
	return d.at
}

// link checks depends_on between the apps. What --only left out is not waited
// for.
func (l *loader) link(chosen, all []*draft) {
	byName, known := map[string]*draft{}, map[string]bool{}
	for _, d := range chosen {
		byName[d.app.Name] = d
		byName[d.calledBy().name] = d
	}
	for _, d := range all {
		called := d.calledBy()
		known[called.name], known[called.full] = true, true
	}
	for _, d := range chosen {
		for _, need := range d.depends {
			switch target, ok := byName[need.App]; {
			case ok:
				l.checkCondition(target, need)
				d.app.DependsOn = append(d.app.DependsOn, spec.Dependency{App: target.app.Name, Condition: need.Condition})
			case known[need.App]:
				l.report.warn(need.at, "depends_on: %s is left out by --only, so %s does not wait for it", need.App, d.app.Name)
			default:
				l.report.mistake(need.at, "depends_on: there is no app %s%s", quote(need.App),
					didYouMean(need.App, slices.Sorted(maps.Keys(known))))
			}
		}
	}
	l.checkCycles(chosen, byName)
}

// checkCondition warns of a condition that cannot come true by itself.
func (l *loader) checkCondition(target *draft, need dependency) {
	name := target.app.Name
	if !target.app.Autostart {
		l.report.warn(need.at, "depends_on: %s has autostart: false, so this waits until somebody starts it", name)
	}
	policy := target.app.Restart
	if need.Condition == spec.Completed && policy.Auto && !slices.Contains(policy.StopCodes, 0) {
		l.report.warn(need.at, "depends_on: %s is started again whenever it ends, so it is never completed; give it autorestart: false", name)
	}
}

// checkCycles refuses apps that wait for each other, each cycle once.
func (l *loader) checkCycles(drafts []*draft, byName map[string]*draft) {
	done := map[string]bool{}
	var path []string
	var visit func(name string, at position)
	visit = func(name string, at position) {
		d, ok := byName[name]
		if !ok {
			return
		}
		name = d.app.Name
		if i := slices.Index(path, name); i >= 0 {
			cycle := strings.Join(append(slices.Clone(path[i:]), name), " → ")
			l.report.mistake(at, "depends_on: the apps wait for each other: %s", cycle)
			return
		}
		if done[name] {
			return
		}
		path = append(path, name)
		for _, need := range d.depends {
			visit(need.App, need.at)
		}
		path = path[:len(path)-1]
		done[name] = true
	}
	for _, d := range drafts {
		visit(d.app.Name, d.at)
	}
}
