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

// Valid tells what is wrong with w, all of it.
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
	look, err := w.prepare()
	if err != nil {
		return err
	}
	return w.follow(ctx, look, fire)
}

// source sends what changed until ctx ends. It owns what it opened.
type source func(ctx context.Context, changes chan<- []place) error

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

// follow gathers what look sends into bursts.
func (w Watch) follow(ctx context.Context, look source, fire func(changed []string)) error {
	changes, ended := make(chan []place), make(chan error, 1)
	go func() { ended <- look(ctx, changes) }()
	b := newBurst(w.Delay)
	defer b.timer.Stop()
	for {
		select {
		case places := <-changes:
			b.add(time.Now(), w.names(places))
		case <-b.timer.C:
			if ctx.Err() == nil {
				fire(b.take())
			}
		case err := <-ended:
			return err
		}
	}
}

// roots returns the watched paths as places.
func (w Watch) roots() []place {
	var roots []place
	for _, path := range w.Paths {
		path = filepath.Clean(path)
		roots = append(roots, place{root: path, path: path})
	}
	return roots
}

func (w Watch) names(places []place) []string {
	var names []string
	for _, p := range places[:min(len(places), maxNames)] {
		names = append(names, p.name(filepath.Clean(w.Dir)))
	}
	return names
}

// place is a path that is watched because of root.
type place struct{ root, path string }

// entry is the place of a name in a directory.
func (p place) entry(name string) place {
	return place{root: p.root, path: filepath.Join(p.path, name)}
}

// name is how p is reported.
func (p place) name(dir string) string {
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

// The bounds of a burst. An editor's save is several changes within settle.
const (
	maxNames   = 10
	settle     = 50 * time.Millisecond
	minLongest = 2 * time.Second
)

// burst is a run of changes that make one fire.
type burst struct {
	rest    time.Duration // without a change, before it is over
	longest time.Duration // from its first change
	first   time.Time     // zero: no burst
	names   []string
	timer   *time.Timer // expires when it is over
}

func newBurst(delay time.Duration) *burst {
	rest := max(delay, settle)
	b := &burst{rest: rest, longest: max(10*rest, minLongest), timer: time.NewTimer(time.Hour)}
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
	b.timer.Reset(min(b.rest, b.longest-now.Sub(b.first)))
}

// take returns the names and makes room for the next burst.
func (b *burst) take() []string {
	names := b.names
	b.first, b.names = time.Time{}, nil
	return names
}
