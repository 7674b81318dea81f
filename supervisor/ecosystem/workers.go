package ecosystem

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/supervisor/spec"
)

// maxInstances is far above the capacity of one container.
const maxInstances = 10_000

// chooseMode decides between fork and cluster mode.
func (b *builder) chooseMode() {
	a, instances := &b.app, b.settings["instances"]
	switch {
	case b.settings["exec_mode"].given():
		a.Mode = spec.Mode(b.execMode / 2) // two words for each
	case !instances.byDefault && a.Instances > 0 && isNode(a.Interpreter):
		a.Mode = spec.Cluster
	}
	if a.ReadyMin > a.Instances && a.Instances > 0 {
		b.settings["ready_min"].wrong(b.report, "%d is more than the %d instances of the app", a.ReadyMin, a.Instances)
	}
}

var errInstances = fmt.Errorf("is not a number of instances; write 1 to %d, max, or -1 for one fewer than the CPUs", maxInstances)

// instancesVar is a number, or one relative to the CPUs; 0 after a mistake.
func instancesVar(field *int) Type {
	forms := []any{shape{"type": "integer"}, shape{"type": "string", "pattern": `^(max|[+-]?[0-9]+)$`}}
	return Type{forms: forms, set: func(in scope, s setting) {
		if s.value.kind == text && strings.EqualFold(strings.TrimSpace(s.value.text), "max") {
			*field = in.cpus
			return
		}
		*field = scalarOf(errInstances, func(words string) (int, error) {
			n, err := parseInteger(words)
			switch {
			case err != nil || n < -maxInstances || n > maxInstances:
				return 0, errInstances
			case n > 0:
				return int(n), nil
			}
			return max(1, in.cpus+int(n)), nil
		})(s, in.report)
	}}
}

func (s setting) signal(r *report) unix.Signal {
	sig, err := signals.Parse(s.text(r))
	if err != nil && (s.value.kind == text || s.value.kind == number) {
		s.wrong(r, "%v", err)
	}
	return sig
}
