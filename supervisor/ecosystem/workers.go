package ecosystem

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
)

// maxInstances is far above what one container can hold.
const maxInstances = 10_000

// workers decides how many there are and how they share their work.
func (b *builder) workers() {
	a, instances := &b.app, b.setting("instances")
	switch {
	case b.setting("exec_mode").given():
		a.Mode = spec.Mode(b.execMode / 2) // two words for each
	case !instances.byDefault && a.Instances > 0 && isNode(a.Interpreter):
		a.Mode = spec.Cluster
	}
	if a.ReadyMin > a.Instances && a.Instances > 0 {
		b.report.wrong(b.setting("ready_min"), "%d is more than the %d instances of the app", a.ReadyMin, a.Instances)
	}
}

var errInstances = fmt.Errorf("is not a number of instances; write 1 to %d, max, or -1 for one fewer than the CPUs", maxInstances)

// instances are a number, or relative to the CPUs; 0 after a mistake.
func (b *builder) instances(s setting) {
	if s.value.kind == text && strings.EqualFold(strings.TrimSpace(s.value.text), "max") {
		b.app.Instances = b.source.CPUs
		return
	}
	b.app.Instances = parsed(b.report, s, errInstances, func(words string) (int, error) {
		n, err := parseInteger(words)
		switch {
		case err != nil || n < -maxInstances || n > maxInstances:
			return 0, errInstances
		case n > 0:
			return int(n), nil
		}
		return max(1, b.source.CPUs+int(n)), nil
	})
}

// defaultSignal is SIGINT for Node, whose servers know it.
func defaultSignal(node bool) unix.Signal {
	if node {
		return unix.SIGINT
	}
	return unix.SIGTERM
}

func (r *report) signal(s setting) unix.Signal {
	sig, err := signals.Parse(r.text(s))
	if err != nil && (s.value.kind == text || s.value.kind == number) {
		r.wrong(s, "%v", err)
	}
	return sig
}

// outputVar is a file to write: its absolute path, or "" for none. The
// container's own streams get everything anyway.
func outputVar(field *string) Type {
	return Type{forms: []any{ref("text")}, set: func(b *builder, s setting) {
		path := b.report.text(s)
		if slices.Contains([]string{"", "NULL", "/dev/null", "/dev/stdout", "/dev/stderr"}, path) {
			return
		}
		*field = absolute(b.app.Dir, path)
		if info, err := os.Stat(*field); err == nil && info.IsDir() {
			b.report.wrong(s, "%s is a directory; name a file", *field)
		}
	}}
}

// timeVar puts the time before each line where log_date_format does not.
func timeVar(format *string) Type {
	return Type{forms: []any{ref("boolean")}, set: func(b *builder, s setting) {
		if b.report.bool(s) && *format == "" {
			*format = "YYYY-MM-DDTHH:mm:ss"
		}
	}}
}

// rotationVar says when log files are put aside.
func rotationVar(field *logs.Rotation) Type {
	return Type{object: func() object {
		rotation := new(logs.Rotation)
		return object{
			off: true, example: "{max_size: 10M, retain: 10, compress: false}",
			on:   boolVar(nil),
			open: true, // pm2-logrotate has more
			keys: []Key{
				{Name: "max_size", Type: sizeVar(&rotation.MaxSize), Default: "10M", Doc: "A file that would grow beyond this is put aside; 0 = never."},
				{Name: "retain", Type: countVar(&rotation.Retain), Default: "10", Doc: "How many files put aside are kept."},
				{Name: "compress", Type: boolVar(&rotation.Compress), Default: "false", Doc: "Whether they are compressed, by gzip."},
			},
			done: func(*builder, setting) { *field = *rotation },
		}
	}}
}

// logTypeVar has the names of pm2's formats.
func logTypeVar(field *bool) Type {
	words := []string{"json", "raw", "text"}
	return Type{forms: []any{shape{"enum": words}}, set: func(b *builder, s setting) {
		*field = b.report.oneOf(s, words...) == 0
	}}
}
