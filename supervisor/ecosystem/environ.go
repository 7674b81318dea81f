package ecosystem

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/spec"
)

// environment is the environment of the workers, built in layers.
type environment struct {
	vars map[string]string
	own  map[string]bool // variables that the app itself sets or unsets
}

// chooseEnvironment layers gorun's own environment, env_file, env and env_NAME.
func (b *builder) chooseEnvironment() {
	e := environment{vars: inherited(b.source.Environ, envFilter(b.settings["filter_env"], b.report)), own: map[string]bool{}}
	if s := b.settings["env_file"]; s.given() && b.dirExists {
		e.readFiles(s, b.app.Dir, b.report)
	}
	if s := b.settings["env"]; s.given() {
		e.overlay(s.variables(b.report))
	}
	for _, s := range b.envs {
		s.variables(b.report) // all are checked, one applies
	}
	if s, ok := b.envs[b.source.EnvName]; ok {
		e.overlay(s.variables(b.report))
	}
	b.env, b.app.Env.Vars = e, e.vars
}

func (e environment) overlay(vars map[string]*string) {
	for name, words := range vars {
		e.own[name] = true
		if words == nil {
			delete(e.vars, name)
		} else {
			e.vars[name] = *words
		}
	}
}

// inherited is gorun's own environment without the dropped variables.
func inherited(environ []string, dropped func(name string) bool) map[string]string {
	vars := make(map[string]string, len(environ))
	for _, pair := range environ {
		name, words, ok := strings.Cut(pair, "=")
		if _, twice := vars[name]; !ok || name == "" || twice || dropped(name) {
			continue // the first of two equal names counts, as in getenv
		}
		vars[name] = words
	}
	return vars
}

// envFilter returns whether filter_env drops a variable.
func envFilter(s setting, r *report) func(name string) bool {
	if !s.given() {
		return func(string) bool { return false }
	}
	if s.value.kind == list {
		parts := slices.DeleteFunc(s.texts(r), func(part string) bool { return part == "" })
		return func(name string) bool {
			return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
		}
	}
	if on, err := parseBool(s.value.text); err == nil && s.value.kind != mapping {
		return func(name string) bool {
			return on && !slices.Contains([]string{"PATH", "HOME", "LANG", "TZ"}, name)
		}
	}
	one := s.text(r)
	return func(name string) bool { return name == one }
}

// readFiles reads the files of env_file, relative to a folder.
func (e environment) readFiles(s setting, dir string, r *report) {
	items := []value{s.value}
	if s.value.kind == list {
		items = s.value.list
	}
	for _, item := range items {
		one := s.item(item)
		path := one.text(r)
		if path == "" {
			continue
		}
		vars, err := readEnvFile(absolute(dir, path))
		if err != nil {
			one.wrong(r, "%s: %v", absolute(dir, path), err)
			continue
		}
		for name, words := range vars {
			e.own[name], e.vars[name] = true, words
		}
	}
}

// addVariables adds gorun's own variables to the environment of the workers.
func (b *builder) addVariables() {
	env := &b.app.Env
	if b.app.Port != 0 {
		env.Vars["PORT"] = strconv.Itoa(b.app.Port)
	}
	if _, set := env.Vars["PYTHONUNBUFFERED"]; isPython(b.app.Interpreter) && !set && !b.env.own["PYTHONUNBUFFERED"] {
		env.Vars["PYTHONUNBUFFERED"] = "1"
	}
	if b.app.User != nil && b.app.User.Switched {
		b.env.setHome(*b.app.User)
	}
	if env.IncrementVar == "" {
		return
	}
	first, err := strconv.ParseInt(env.Vars[env.IncrementVar], 10, 32)
	if err != nil {
		b.settings["increment_var"].wrong(b.report, "variable %s is not set to a number; set it in env", env.IncrementVar)
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
func (e environment) setHome(u spec.User) {
	home := cmp.Or(u.Home, "/")
	for name, words := range map[string]string{"HOME": home, "USER": u.Name, "LOGNAME": u.Name} {
		switch {
		case e.own[name]:
		case words == "":
			delete(e.vars, name)
		default:
			e.vars[name] = words
		}
	}
}

func isPython(interpreter string) bool {
	return strings.HasPrefix(interpreter, "python") || strings.HasPrefix(interpreter, "pypy")
}

func isNode(interpreter string) bool { return interpreter == "node" || interpreter == "nodejs" }
