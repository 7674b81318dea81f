package trigger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// maxLinks is how many links the kernel follows in one path.
const maxLinks = 40

// target is where a watched path or a symbolic link leads, which may change by
// events elsewhere. A ConfigMap's file is reached through two links.
type target struct {
	location
	via  []string // the links on the way, then where they lead or the first step that is missing
	real string   // where they lead; empty: nowhere
}

// dependsOn reports whether creating or removing path may change where t leads.
func (t target) dependsOn(path string) bool {
	return slices.ContainsFunc(t.via, func(step string) bool {
		_, inside := below(path, step)
		return inside
	})
}

// needs reports whether t changes by events of dir.
func (t target) needs(dir string) bool {
	return slices.ContainsFunc(t.via, func(step string) bool { return filepath.Dir(step) == dir })
}

// resolve follows p link by link, the last step only with FollowSymlinks.
func (w Watch) resolve(p location) target {
	t := target{location: p}
	current, rest := "/", strings.Split(strings.TrimPrefix(p.path, "/"), "/")
	for len(rest) > 0 && len(t.via) <= maxLinks {
		next := filepath.Join(current, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil {
			t.via = append(t.via, next)
			return t
		}
		if info.Mode().Type() != fs.ModeSymlink || len(rest) == 0 && !w.FollowSymlinks {
			current = next
			continue
		}
		t.via = append(t.via, next)
		link, err := os.Readlink(next)
		if err != nil {
			return t
		}
		if filepath.IsAbs(link) {
			current = "/"
		}
		rest = append(strings.Split(link, "/"), rest...)
	}
	if len(t.via) <= maxLinks {
		t.real = current
		t.via = append(t.via, current)
	}
	return t
}

// handleTargets deals with an event as one that may change where a target leads.
func (l *listener) handleTargets(event fsnotify.Event) ([]location, error) {
	var changed []location
	var moved []string
	for path, t := range l.targets {
		switch {
		case !restructures(event) && event.Name == t.real:
			changed = append(changed, t.location)
		case restructures(event) && t.dependsOn(event.Name):
			moved = append(moved, path)
		}
	}
	slices.Sort(moved) // A link comes after the directory that leads to it.
	for _, path := range moved {
		t, still := l.targets[path] // an earlier one may have dropped it
		if !still {
			continue
		}
		again, found, err := l.watchTarget(t.location)
		if err != nil {
			return nil, err
		}
		if t.real != "" || again.real != "" {
			changed = append(append(changed, t.location), found...)
		}
	}
	return changed, nil
}

// watchTarget watches where p leads, and wherever that may change.
func (l *listener) watchTarget(p location) (t target, found []location, err error) {
	l.forget(p.path)
	var denied error
	for range maxLinks { // until nothing changed between resolving and watching
		t, denied = l.watch.resolve(p), nil
		for _, step := range t.via {
			if err := l.addWatch(filepath.Dir(step)); errors.Is(err, fs.ErrPermission) {
				denied = err
			} else if err != nil {
				return t, nil, err
			}
		}
		if again := l.watch.resolve(p); again.real == t.real && slices.Equal(again.via, t.via) {
			break
		}
	}
	l.targets[p.path] = t
	if t.real == "" {
		return t, nil, nil
	}
	info, err := os.Lstat(t.real)
	if err != nil || !info.IsDir() {
		return t, nil, denied
	}
	found, err = l.addDirectory(t.real, p)
	return t, found, err
}

// needed reports whether some target changes by events of dir.
func (l *listener) needed(dir string) bool {
	for _, t := range l.targets {
		if t.needs(dir) {
			return true
		}
	}
	return false
}
