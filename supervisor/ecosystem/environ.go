package ecosystem

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/spec"
)

// buildEnvironment layers gorun's own environment, env_file, env and env_NAME.
func (b *builder) buildEnvironment() {
	b.ownVars = map[string]bool{}
	b.app.Env.Vars = b.inherited()
	if s := b.setting("env_file"); s.given() && b.dirExists {
		b.readEnvFiles(s)
	}
	if s := b.setting("env"); s.given() {
		b.overlay(s.variables(b.report))
	}
	for _, s := range b.envs {
		s.variables(b.report) // all are checked, one applies
	}
	if s, ok := b.envs[b.source.EnvName]; ok {
		b.overlay(s.variables(b.report))
	}
}

func (b *builder) overlay(vars map[string]*string) {
	for name, words := range vars {
		b.ownVars[name] = true
		if words == nil {
			delete(b.app.Env.Vars, name)
		} else {
			b.app.Env.Vars[name] = *words
		}
	}
}

// inherited is gorun's own environment, as far as filter_env lets it through.
func (b *builder) inherited() map[string]string {
	dropped := b.envFilter()
	vars := make(map[string]string, len(b.source.Environ))
	for _, pair := range b.source.Environ {
		name, words, ok := strings.Cut(pair, "=")
		if _, twice := vars[name]; !ok || name == "" || twice || dropped(name) {
			continue // the first of two equal names counts, as in getenv
		}
		vars[name] = words
	}
	return vars
}

// envFilter returns whether filter_env drops a variable.
func (b *builder) envFilter() func(name string) bool {
	s := b.setting("filter_env")
	if !s.given() {
		return func(string) bool { return false }
	}
	if s.value.kind == list {
		parts := slices.DeleteFunc(s.texts(b.report), func(part string) bool { return part == "" })
		return func(name string) bool {
			return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
		}
	}
	if on, err := parseBool(s.value.text); err == nil && s.value.kind != mapping {
		return func(name string) bool {
			return on && !slices.Contains([]string{"PATH", "HOME", "LANG", "TZ"}, name)
		}
	}
	one := s.text(b.report)
	return func(name string) bool { return name == one }
}

func (b *builder) readEnvFiles(s setting) {
	items := []value{s.value}
	if s.value.kind == list {
		items = s.value.list
	}
	for _, item := range items {
		one := s.item(item)
		path := one.text(b.report)
		if path == "" {
			continue
		}
		vars, err := readEnvFile(absolute(b.app.Dir, path))
		if err != nil {
			one.wrong(b.report, "%s: %v", absolute(b.app.Dir, path), err)
			continue
		}
		layer := make(map[string]*string, len(vars))
		for name, words := range vars {
			layer[name] = &words
		}
		b.overlay(layer)
	}
}

// addVariables adds gorun's own variables to the environment of the workers.
func (b *builder) addVariables() {
	env := &b.app.Env
	if b.app.Port != 0 {
		env.Vars["PORT"] = strconv.Itoa(b.app.Port)
	}
	if _, set := env.Vars["PYTHONUNBUFFERED"]; isPython(b.app.Interpreter) && !set && !b.ownVars["PYTHONUNBUFFERED"] {
		env.Vars["PYTHONUNBUFFERED"] = "1"
	}
	if b.app.User != nil && b.app.User.Switched {
		b.setHome(*b.app.User)
	}
	if env.IncrementVar == "" {
		return
	}
	first, err := strconv.ParseInt(env.Vars[env.IncrementVar], 10, 32)
	if err != nil {
		b.setting("increment_var").wrong(b.report, "variable %s is not set to a number; set it in env", env.IncrementVar)
	}
	env.First = first
}

// variableName reads the name of a variable.
func (s setting) variableName(r *report) string {
	name := s.text(r)
	if strings.ContainsAny(name, "=\x00") {
		s.wrong(r, "%s is not a variable name", quote(name))
		return ""
	}
	return name
}

// setHome sets HOME, USER and LOGNAME for a worker that runs as another user,
// unless the app sets them itself.
func (b *builder) setHome(u spec.User) {
	home := cmp.Or(u.Home, "/")
	for name, words := range map[string]string{"HOME": home, "USER": u.Name, "LOGNAME": u.Name} {
		switch {
		case b.ownVars[name]:
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
