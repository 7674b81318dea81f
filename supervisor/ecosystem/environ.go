package ecosystem

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/spec"
)

// environment layers gorun's own environment, env_file, env and env_NAME.
func (d *draft) environment() {
	d.own = map[string]bool{}
	d.app.Env.Vars = d.inherited()
	if s := d.setting("env_file"); s.given() && d.inPlace {
		d.readEnvFiles(s)
	}
	if s := d.setting("env"); s.given() {
		d.overlay(d.report.variables(s))
	}
	for _, s := range d.envs {
		d.report.variables(s) // all are checked, one applies
	}
	if s, ok := d.envs[d.source.EnvName]; ok {
		d.overlay(d.report.variables(s))
	}
}

func (d *draft) overlay(vars map[string]*string) {
	for name, words := range vars {
		d.own[name] = true
		if words == nil {
			delete(d.app.Env.Vars, name)
		} else {
			d.app.Env.Vars[name] = *words
		}
	}
}

// inherited is gorun's own environment, as far as filter_env lets it through.
func (d *draft) inherited() map[string]string {
	dropped := d.filter()
	vars := make(map[string]string, len(d.source.Environ))
	for _, pair := range d.source.Environ {
		name, words, ok := strings.Cut(pair, "=")
		if _, twice := vars[name]; !ok || name == "" || twice || dropped(name) {
			continue // of a name given twice the first counts, as in getenv
		}
		vars[name] = words
	}
	return vars
}

// filter returns what filter_env drops.
func (d *draft) filter() func(name string) bool {
	s := d.setting("filter_env")
	if !s.given() {
		return func(string) bool { return false }
	}
	if s.value.kind == list {
		parts := slices.DeleteFunc(d.report.texts(s), func(part string) bool { return part == "" })
		return func(name string) bool {
			return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
		}
	}
	if on, err := parseBool(s.value.text); err == nil && s.value.kind != mapping {
		return func(name string) bool {
			return on && !slices.Contains([]string{"PATH", "HOME", "LANG", "TZ"}, name)
		}
	}
	one := d.report.text(s)
	return func(name string) bool { return name == one }
}

func (d *draft) readEnvFiles(s setting) {
	items := []value{s.value}
	if s.value.kind == list {
		items = s.value.list
	}
	for _, item := range items {
		one := s.item(item)
		path := d.report.text(one)
		if path == "" {
			continue
		}
		vars, err := readEnvFile(absolute(d.app.Dir, path))
		if err != nil {
			d.report.wrong(one, "%s: %v", absolute(d.app.Dir, path), err)
			continue
		}
		layer := make(map[string]*string, len(vars))
		for name, words := range vars {
			layer[name] = &words
		}
		d.overlay(layer)
	}
}

// variables adds what gorun itself puts into the environment of the workers.
func (d *draft) variables() {
	env := &d.app.Env
	if d.app.Port != 0 {
		env.Vars["PORT"] = strconv.Itoa(d.app.Port)
	}
	if _, set := env.Vars["PYTHONUNBUFFERED"]; isPython(d.app.Interpreter) && !set && !d.own["PYTHONUNBUFFERED"] {
		env.Vars["PYTHONUNBUFFERED"] = "1"
	}
	if d.app.User != nil && d.app.User.Switched {
		d.home(*d.app.User)
	}
	env.InstanceVar = d.variableName("instance_var")
	env.IncrementVar = d.variableName("increment_var")
	if env.IncrementVar == "" {
		return
	}
	first, err := strconv.ParseInt(env.Vars[env.IncrementVar], 10, 32)
	if err != nil {
		d.report.wrong(d.setting("increment_var"), "the variable %s has no number to start from; set it in env", env.IncrementVar)
	}
	env.First = first
}

// variableName reads a key whose value is the name of a variable.
func (d *draft) variableName(key string) string {
	s := d.setting(key)
	name := d.written(key)
	if strings.ContainsAny(name, "=\x00") {
		d.report.wrong(s, "%s cannot be the name of a variable", quote(name))
		return ""
	}
	return name
}

// home gives a worker that runs as another user that user's names and home,
// unless the app sets them itself.
func (d *draft) home(u spec.User) {
	home := cmp.Or(u.Home, "/")
	for name, words := range map[string]string{"HOME": home, "USER": u.Name, "LOGNAME": u.Name} {
		switch {
		case d.own[name]:
		case words == "":
			delete(d.app.Env.Vars, name)
		default:
			d.app.Env.Vars[name] = words
		}
	}
}

func isPython(interpreter string) bool {
	return strings.HasPrefix(interpreter, "python") || strings.HasPrefix(interpreter, "pypy")
}

func isNode(interpreter string) bool { return interpreter == "node" || interpreter == "nodejs" }
