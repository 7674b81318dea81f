package control

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/control/client"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// badInputError is a mistake in the request.
type badInputError struct{ err error }

func (e badInputError) Error() string { return e.err.Error() }
func (e badInputError) Unwrap() error { return e.err }

func badInput(format string, args ...any) error { return badInputError{fmt.Errorf(format, args...)} }

// verbs are the orders by their names.
var verbs = map[string]spec.Verb{
	"start": spec.Start, "stop": spec.Stop, "restart": spec.Restart,
	"reload": spec.Reload, "delete": spec.Delete, "reset": spec.Reset,
}

func parseOrder(o client.Order, apps []status.App) (spec.Order, error) {
	verb, known := verbs[o.Verb]
	if !known {
		return spec.Order{}, badInput("unknown verb %q; the verbs are: %s", o.Verb, strings.Join(slices.Sorted(maps.Keys(verbs)), ", "))
	}
	if err := checkParallel(o.Parallel); err != nil {
		return spec.Order{}, err
	}
	targets, err := client.Resolve(o.Targets, apps)
	return spec.Order{Verb: verb, Targets: targets, Parallel: o.Parallel}, err
}

func checkParallel(n int) error {
	if n < 0 {
		return badInput("parallel is %d, not a number of workers at a time, or 0 for the app's own", n)
	}
	return nil
}

// maxWorkers is the limit of an ecosystem file, too.
const maxWorkers = 10_000

// parseScale returns the name of the app and its size; cpus stands for max.
func parseScale(s client.Scale, apps []status.App, cpus int) (string, spec.Size, error) {
	targets, err := client.Resolve([]string{s.App}, apps)
	if err != nil {
		return "", spec.Size{}, err
	}
	if len(targets) != 1 || targets[0].Instance != status.EveryWorker {
		return "", spec.Size{}, badInput("scale needs the name of one app; %s is none", s.App)
	}
	size, err := parseSize(s.Workers, cpus)
	return targets[0].App, size, err
}

func parseSize(text string, cpus int) (spec.Size, error) {
	if text == "max" {
		return spec.Size{Workers: cpus}, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < -maxWorkers || n > maxWorkers:
		return spec.Size{}, badInput("%q is not a number of workers; write 4, +3, -2 or max", text)
	case text[0] == '+' || text[0] == '-':
		return spec.Size{Workers: n, Relative: true}, nil
	case n == 0:
		return spec.Size{}, badInput("cannot scale below 1 worker; to run none, stop the app")
	}
	return spec.Size{Workers: n}, nil
}

// parseRevision loads the file. What Only leaves out is not gone from it: it stays.
func parseRevision(e client.Revision, load Load) (spec.Revision, error) {
	if e.File != "" && !filepath.IsAbs(e.File) {
		return spec.Revision{}, badInput("%s: the path must be absolute: gorun has another working directory", e.File)
	}
	if err := checkParallel(e.Parallel); err != nil {
		return spec.Revision{}, err
	}
	apps, err := load(e.File, e.Only)
	if err != nil {
		return spec.Revision{}, badInputError{err}
	}
	return spec.Revision{
		Apps: apps, Partial: e.Partial || len(e.Only) > 0, All: e.All, Restart: e.Restart, Start: e.Start, Parallel: e.Parallel,
	}, nil
}
