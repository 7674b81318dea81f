package ecosystem

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/spec"
)

// environment layers gorun's own environment, env_file, env and env_NAME.
func (b *builder) environment() {
	b.own = map[string]bool{}
	b.app.Env.Vars = b.inherited()
	if s := b.setting("env_file"); s.given() && b.inPlace {
		b.readEnvFiles(s)
	}
	if s := b.setting("env"); s.given() {
		b.overlay(b.report.variables(s))
	}
	for _, s := range b.envs {
		b.report.variables(s) // all are checked, one applies
	}
	if s, ok := b.envs[b.source.EnvName]; ok {
		b.overlay(b.report.variables(s))
	}
}

func (b *builder) overlay(vars map[string]*string) {
	for name, words := range vars {
		b.own[name] = true
		if words == nil {
			delete(b.app.Env.Vars, name)
		} else {
			b.app.Env.Vars[name] = *words
		}
	}
}

// inherited is gorun's own environment, as far as filter_env lets it through.
func (b *builder) inherited() map[string]string {
	dropped := b.filter()
	vars := make(map[string]string, len(b.source.Environ))
	for _, pair := range b.source.Environ {
		name, words, ok := strings.Cut(pair, "=")
		if _, twice := vars[name]; !ok || name == "" || twice || dropped(name) {
			continue // of a name given twice the first counts, as in getenv
		}
		vars[name] = words
	}
	return vars
}

// filter returns what filter_env drops.
func (b *builder) filter() func(name string) bool {
	s := b.setting("filter_env")
	if !s.given() {
		return func(string) bool { return false }
	}
	if s.value.kind == list {
		parts := slices.DeleteFunc(b.report.texts(s), func(part string) bool { return part == "" })
		return func(name string) bool {
			return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
		}
	}
	if on, err := parseBool(s.value.text); err == nil && s.value.kind != mapping {
		return func(name string) bool {
			return on && !slices.Contains([]string{"PATH", "HOME", "LANG", "TZ"}, name)
		}
	}
	one := b.report.text(s)
	return func(name string) bool { return name == one }
}

func (b *builder) readEnvFiles(s setting) {
	items := []value{s.value}
	if s.value.kind == list {
		items = s.value.list
	}
	for _, item := range items {
		one := s.item(item)
		path := b.report.text(one)
		if path == "" {
			continue
		}
		vars, err := readEnvFile(absolute(b.app.Dir, path))
		if err != nil {
			b.report.wrong(one, "%s: %v", absolute(b.app.Dir, path), err)
			continue
		}
		layer := make(map[string]*string, len(vars))
		for name, words := range vars {
			layer[name] = &words
		}
		b.overlay(layer)
	}
}

// variables adds what gorun itself puts into the environment of the workers.
func (b *builder) variables() {
	env := &b.app.Env
	if b.app.Port != 0 {
		env.Vars["PORT"] = strconv.Itoa(b.app.Port)
	}
	if _, set := env.Vars["PYTHONUNBUFFERED"]; isPython(b.app.Interpreter) && !set && !b.own["PYTHONUNBUFFERED"] {
		env.Vars["PYTHONUNBUFFERED"] = "1"
	}
	if b.app.User != nil && b.app.User.Switched {
		b.home(*b.app.User)
	}
	if env.IncrementVar == "" {
		return
	}
	first, err := strconv.ParseInt(env.Vars[env.IncrementVar], 10, 32)
	if err != nil {
		b.report.wrong(b.setting("increment_var"), "variable %s is not set to a number; set it in env", env.IncrementVar)
	}
	env.First = first
}

// variableName reads the name of a variable.
func (r *report) variableName(s setting) string {
	name := r.text(s)
	if strings.ContainsAny(name, "=\x00") {
		r.wrong(s, "%s is not a variable name", quote(name))
		return ""
	}
	return name
}

// home gives a worker that runs as another user that user's names and home,
// unless the app sets them itself.
func (b *builder) home(u spec.User) {
	home := cmp.Or(u.Home, "/")
	for name, words := range map[string]string{"HOME": home, "USER": u.Name, "LOGNAME": u.Name} {
		switch {
		case b.own[name]:
		case words == "":
			delete(b.app.Env.Vars, name)
		default:
			b.app.Env.Vars[name] = words
		}
	}
}

func isPython(interpreter string) bool {
	return strings.HasPrefix(interpreter, "python") || strings.HasPrefix(interpreter, "pypy")
}

func isNode(interpreter string) bool { return interpreter == "node" || interpreter == "nodejs" }
