package trigger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gorun/supervisor/spec"
)

// Watch watches the files that an app's restarts depend on.
type Watch spec.Watch

// Valid returns all mistakes in w.
func (w Watch) Valid() error {
	var problems []error
	if len(w.Paths) == 0 {
		problems = append(problems, errors.New("watch: no path"))
	}
	for _, path := range w.Paths {
		if !filepath.IsAbs(path) {
			problems = append(problems, fmt.Errorf("watch %q: not an absolute path", path))
		}
	}
	_, err := newRules(w)
	return errors.Join(append(problems, err)...)
}

// Run calls fire once per burst of changes until ctx ends, with the names of at
// most ten of them. Changed means created, written, touched, removed or
// renamed. An error means that w cannot be watched, or no longer.
func (w Watch) Run(ctx context.Context, fire func(changed []string)) error {
	changes, err := w.prepare()
	if err != nil {
		return err
	}
	return w.collect(ctx, changes, fire)
}

// source sends what changed until ctx ends, and closes what it has opened.
type source func(ctx context.Context, changes chan<- []location) error

// prepare starts watching: changes from here on are not missed.
func (w Watch) prepare() (source, error) {
	if err := w.Valid(); err != nil {
		return nil, err
	}
	rules, err := newRules(w)
	if err != nil {
		return nil, err
	}
	if w.Poll > 0 {
		return newPoller(w, rules).run, nil
	}
	l, err := newListener(w, rules)
	if err != nil {
		return nil, err
	}
	return l.run, nil
}

// collect gathers what from sends into bursts, and calls fire for each.
func (w Watch) collect(ctx context.Context, from source, fire func(changed []string)) error {
	changes, ended := make(chan []location), make(chan error, 1)
	go func() { ended <- from(ctx, changes) }()
	b := newBurst(w.Delay)
	defer b.timer.Stop()
	for {
		select {
		case locations := <-changes:
			b.add(time.Now(), w.names(locations))
		case <-b.timer.C:
			if ctx.Err() == nil {
				fire(b.end())
			}
		case err := <-ended:
			return err
		}
	}
}

// roots returns the watched paths as locations.
func (w Watch) roots() []location {
	var roots []location
	for _, path := range w.Paths {
		path = filepath.Clean(path)
		roots = append(roots, location{root: path, path: path})
	}
	return roots
}

func (w Watch) names(locations []location) []string {
	var names []string
	for _, p := range locations[:min(len(locations), maxNames)] {
		names = append(names, p.name(filepath.Clean(w.Dir)))
	}
	return names
}

// location is a path that is watched because of root.
type location struct{ root, path string }

// entry is the location of a name in a directory.
func (p location) entry(name string) location {
	return location{root: p.root, path: filepath.Join(p.path, name)}
}

// name is how p is reported.
func (p location) name(dir string) string {
	if rel, inside := below(dir, p.path); inside && rel != "" {
		return rel
	}
	if rel, inside := below(p.root, p.path); inside && rel != "" {
		return rel
	}
	return filepath.Base(p.path)
}

// below returns path relative to dir, empty for dir itself, if it is inside.
// Both are clean; nothing is inside "." and "".
func below(dir, path string) (rel string, inside bool) {
	rel, inside = strings.CutPrefix(path, dir)
	switch {
	case !inside || dir == "":
		return "", false
	case rel == "" || dir == "/":
		return rel, true
	}
	return strings.CutPrefix(rel, "/")
}

// The bounds of a burst. An editor's save is several changes within minQuiet.
const (
	maxNames   = 10
	minQuiet   = 50 * time.Millisecond
	minLongest = 2 * time.Second
)

// burst is a run of changes that make one fire.
type burst struct {
	quiet   time.Duration // how long without a change ends it
	longest time.Duration // how long from its first change
	first   time.Time     // zero: no burst
	names   []string
	timer   *time.Timer // expires at its end
}

func newBurst(delay time.Duration) *burst {
	quiet := max(delay, minQuiet)
	b := &burst{quiet: quiet, longest: max(10*quiet, minLongest), timer: time.NewTimer(time.Hour)}
	b.timer.Stop()
	return b
}

func (b *burst) add(now time.Time, names []string) {
	if b.first.IsZero() {
		b.first = now
	}
	for _, name := range names {
		if len(b.names) < maxNames && !slices.Contains(b.names, name) {
			b.names = append(b.names, name)
		}
	}
	b.timer.Reset(min(b.quiet, b.longest-now.Sub(b.first)))
}

// end returns the names and makes room for the next burst.
func (b *burst) end() []string {
	names := b.names
	b.first, b.names = time.Time{}, nil
	return names
}
