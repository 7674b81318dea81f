// Package ecosystem turns an ecosystem file, its env files and the command
// line's options into apps: defaulted, valid and immutable. Every mistake is
// reported with its position, all of them at once.
//
// Load reads files and nothing else of the world: environment, working directory and
// number of CPUs come with its Source. It runs on its caller's goroutine (package script
// has one for the engine), starts no process and keeps nothing: to load again is to
// read anew. Each key is declared once, as a Key;
// parser, suggestions, schema, defaults and documentation are made from that.
package ecosystem

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"gorun/supervisor/spec"
)

// Source is the input of a load.
type Source struct {
	Path    string            // ecosystem file or script; "-" = standard input
	Stdin   io.Reader         // for "-"
	Dir     string            // gorun's working directory, absolute
	Environ []string          // gorun's own environment
	CPUs    int               // CPUs that this container may use; at least 1
	EnvName string            // --env: which env_NAME applies
	Only    []string          // --only: names or namespaces; empty = all
	Args    []string          // after "--": replaces the arguments of the one app
	Options map[string]string // values by Option.Key
	Strict  bool              // warnings become mistakes
	Console io.Writer         // output of console.log in a JavaScript file; nil drops it
}

// Is reports whether an absolute path leads to the file of the source.
func (s Source) Is(path string) bool {
	own := absolute(s.Dir, s.Path)
	if own == path {
		return true
	}
	mine, err := os.Stat(own)
	if err != nil {
		return false
	}
	other, err := os.Stat(path)
	return err == nil && os.SameFile(mine, other)
}

// File is the result of a load.
type File struct {
	Apps          []spec.App
	Path          string        // absolute; "" for standard input and for a bare script
	ShutdownDelay time.Duration // between the first SIGTERM and the stop of the workers
	Warnings      []Problem     // about keys that are left out, for example unknown ones
	Ignored       []string      // keys and options that have no effect, as they were written
}

// Summary lists the apps and the number of their workers: api × 2, cron × 1.
func (f File) Summary() string {
	var parts []string
	for _, app := range f.Apps {
		parts = append(parts, app.Name+" × "+strconv.Itoa(app.Instances))
	}
	return strings.Join(parts, ", ")
}

// Workers is how many workers the apps have.
func (f File) Workers() int {
	sum := 0
	for i := range f.Apps {
		sum += f.Apps[i].Instances
	}
	return sum
}

// loader is the state of one load.
type loader struct {
	source    *Source
	report    *report
	base      string // the ecosystem file's folder
	file      File
	options   []entry
	variables map[string]string // pm2's own, of gorun's environment: PM2_…
	current   builder           // builds one app after the other: the types of appKeys fill its fields
	appKeys   []Key
	topKeys   []Key
	appIndex  index
	topIndex  index
}

// Load reads an ecosystem file, or makes one app of a script. All mistakes
// are found in one go: the error is Problems. Warnings are returned either way.
func Load(src Source) (File, error) {
	src.CPUs = max(src.CPUs, 1)
	l := &loader{
		source: &src, report: &report{file: src.Path}, base: src.Dir,
	}
	l.appKeys, l.topKeys = l.current.keys(), l.keys()
	l.appIndex, l.topIndex = indexOf(l.appKeys), indexOf(l.topKeys)
	l.options = optionEntries(src.Options, l.report)
	l.variables = pm2Variables(src.Environ)
	ignoreVariables(l.variables, l.appKeys, l.report)
	if builders, err := l.builders(); err != nil {
		l.report.fail(err)
	} else {
		l.assemble(builders)
	}
	return l.result()
}

func (l *loader) result() (File, error) {
	r := l.report
	if l.source.Strict {
		r.mistakes, r.warnings = append(r.mistakes, r.warnings...), nil
	}
	l.file.Warnings, l.file.Ignored = r.warnings.sorted(), r.ignored
	if len(r.mistakes) > 0 {
		l.file.Apps = nil
		return l.file, r.mistakes.sorted()
	}
	return l.file, nil
}

// builders returns a builder for each app.
func (l *loader) builders() ([]*builder, error) {
	if format, err := formatOf(l.source.Path); err == nil && format == bareScript {
		l.topOptions()
		return []*builder{newBuilder(l, position{}, []entry{{key: "script", value: scalar(text, position{}, l.source.Path)}})}, nil
	}
	d := document{source: l.source, report: l.report}
	root, err := d.tree()
	l.file.Path, l.base = d.path, d.dir()
	if err != nil {
		return nil, err
	}
	builders, err := l.top(root)
	l.topOptions()
	return builders, err
}

// assemble builds the selected apps and checks them against each other.
func (l *loader) assemble(builders []*builder) {
	chosen := l.selectApps(builders)
	l.arguments(chosen)
	l.checkNameOption(chosen)
	for _, b := range chosen {
		b.override(l)
		l.current = *b
		l.current.build(l.appKeys)
		*b = l.current
	}
	l.checkEnvName(builders)
	l.checkDuplicateNames(chosen)
	resolveDependencies(l.report, chosen, builders)
	l.checkPorts(chosen)
	for _, b := range chosen {
		l.file.Apps = append(l.file.Apps, b.app)
	}
}
