package trigger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// listener is told of changes by inotify. Its run owns everything in it.
type listener struct {
	watch   Watch
	rules   rules
	inotify *fsnotify.Watcher
	trouble <-chan error     // what inotify reports beside events
	dirs    map[string]place // directories whose entries count, by real path
	mounts  map[string]mount // by shown path
	since   time.Time        // when the last change was seen
}

// newListener listens to everything there is now.
func newListener(w Watch, r rules) (*listener, error) {
	inotify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, explain("the files", err)
	}
	l := &listener{
		watch: w, rules: r, inotify: inotify, trouble: queued(inotify.Errors),
		dirs: map[string]place{}, mounts: map[string]mount{}, since: time.Now(),
	}
	if err := l.resync(); err != nil {
		return nil, errors.Join(err, inotify.Close())
	}
	return l, nil
}

// queued takes errors as they come, until there are no more, and hands them on
// in their order. fsnotify holds a lock while it reports one, and who is to hear
// of it may be waiting for that lock, in Add or Remove.
func queued(in <-chan error) <-chan error {
	out := make(chan error)
	go func() {
		var waiting []error
		for {
			var first error
			var next chan<- error
			if len(waiting) > 0 {
				first, next = waiting[0], out
			}
			select {
			case err, more := <-in:
				if !more {
					return
				}
				waiting = append(waiting, err)
			case next <- first:
				waiting = waiting[1:]
			}
		}
	}()
	return out
}

// run is a source.
func (l *listener) run(ctx context.Context, changes chan<- []place) (err error) {
	defer func() { err = errors.Join(err, l.inotify.Close()) }()
	for {
		var changed []place
		select {
		case event := <-l.inotify.Events:
			changed, err = l.handle(event)
		case trouble := <-l.trouble:
			changed, err = l.recover(trouble)
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return err
		}
		if len(changed) == 0 {
			continue
		}
		l.since = time.Now()
		select {
		case changes <- changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// recover deals with what fsnotify reports beside events.
func (l *listener) recover(trouble error) ([]place, error) {
	switch {
	case errors.Is(trouble, fsnotify.ErrEventOverflow):
		return l.watch.roots(), l.resync() // who knows what changed
	case errors.Is(trouble, syscall.EINVAL):
		return nil, nil // fsnotify gave up a watch that the kernel had dropped already
	}
	return nil, fmt.Errorf("watch: %w", trouble)
}

func (l *listener) resync() error {
	for _, root := range l.watch.roots() {
		if _, _, err := l.mount(root); err != nil {
			return err
		}
	}
	return nil
}

// handle returns what an event changed, and listens to what it brought.
func (l *listener) handle(event fsnotify.Event) ([]place, error) {
	event.Name = filepath.Clean(event.Name)
	if event.Op == fsnotify.Chmod && !l.touched(event.Name) {
		return nil, nil
	}
	changed, err := l.handleEntry(event)
	if err != nil {
		return nil, err
	}
	more, err := l.handleMounts(event)
	return append(changed, more...), err
}

// touched tells a new modification time from other news about an inode: mode,
// owner, links and access time, none of which counts.
func (l *listener) touched(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	modified := info.ModTime()
	return modified.After(l.since) && !modified.After(time.Now())
}

// restructures tells whether an event is about more than a file's content.
func restructures(event fsnotify.Event) bool {
	return event.Has(fsnotify.Create) || event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)
}

// handleEntry deals with an event as one about an entry of a directory.
func (l *listener) handleEntry(event fsnotify.Event) ([]place, error) {
	dir, known := l.dirs[filepath.Dir(event.Name)]
	if !known {
		return nil, nil
	}
	p := dir.entry(filepath.Base(event.Name))
	if l.rules.ignore(p) {
		return nil, nil
	}
	changed := []place{p}
	if !restructures(event) {
		return changed, nil
	}
	_, wasDir := l.dirs[event.Name]
	if _, wasLink := l.mounts[p.path]; wasDir || wasLink {
		l.forget(p.path)
	}
	found, err := l.admit(event.Name, p)
	return append(changed, found...), err
}

// handleMounts deals with an event as one that may lead a mount elsewhere.
func (l *listener) handleMounts(event fsnotify.Event) ([]place, error) {
	var changed []place
	var moved []string
	for path, m := range l.mounts {
		switch {
		case !restructures(event) && event.Name == m.real:
			changed = append(changed, m.place)
		case restructures(event) && m.depends(event.Name):
			moved = append(moved, path)
		}
	}
	slices.Sort(moved) // A link comes after the directory that leads to it.
	for _, path := range moved {
		m, still := l.mounts[path] // mounting one before may have dropped it
		if !still {
			continue
		}
		again, found, err := l.mount(m.place)
		if err != nil {
			return nil, err
		}
		if m.real != "" || again.real != "" {
			changed = append(append(changed, m.place), found...)
		}
	}
	return changed, nil
}

// mount finds out where p leads and listens there, and wherever that may change.
func (l *listener) mount(p place) (m mount, found []place, err error) {
	l.forget(p.path)
	var blind error
	for range maxLinks { // until nothing changed between looking and listening
		m, blind = l.watch.resolve(p), nil
		for _, step := range m.via {
			if err := l.listen(filepath.Dir(step)); errors.Is(err, fs.ErrPermission) {
				blind = err
			} else if err != nil {
				return m, nil, err
			}
		}
		if again := l.watch.resolve(p); again.real == m.real && slices.Equal(again.via, m.via) {
			break
		}
	}
	l.mounts[p.path] = m
	if m.real == "" {
		return m, nil, nil
	}
	info, err := os.Lstat(m.real)
	if err != nil || !info.IsDir() {
		return m, nil, blind
	}
	found, err = l.scan(m.real, p)
	return m, found, err
}

// admit takes in a new entry of a listened directory, if it holds others.
func (l *listener) admit(path string, p place) ([]place, error) {
	var kind fs.FileMode // of a file, if it is gone again
	if info, err := os.Lstat(path); err == nil {
		kind = info.Mode().Type()
	}
	switch {
	case kind.IsDir():
		return l.scan(path, p)
	case kind == fs.ModeSymlink && l.watch.FollowSymlinks:
		_, found, err := l.mount(p)
		return found, err
	}
	return nil, nil
}

// scan listens to a directory and returns what is below it. It listens before
// it looks: what comes later makes an event.
func (l *listener) scan(dir string, p place) ([]place, error) {
	if _, known := l.dirs[dir]; known { // also ends a circle of links
		return nil, nil
	}
	if err := l.listen(dir); err != nil {
		if errors.Is(err, fs.ErrPermission) && p.path != p.root {
			return nil, nil
		}
		return nil, err
	}
	l.dirs[dir] = p
	entries, err := os.ReadDir(dir)
	if err != nil && errors.Is(err, fs.ErrPermission) && p.path == p.root {
		return nil, fmt.Errorf("watch: %w", err)
	}
	var found []place
	for _, entry := range entries {
		inner := p.entry(entry.Name())
		if l.rules.ignore(inner) {
			continue
		}
		more, err := l.admit(filepath.Join(dir, entry.Name()), inner)
		if err != nil {
			return nil, err
		}
		found = append(append(found, inner), more...)
	}
	return found, nil
}

// listen asks for the events of a directory; it may be asked again.
func (l *listener) listen(dir string) error {
	err := l.inotify.Add(dir)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return explain(dir, err)
}

// forget drops what is known of path and below. What moved keeps its inotify
// watch under the old name otherwise.
func (l *listener) forget(path string) {
	maps.DeleteFunc(l.mounts, func(shown string, m mount) bool {
		_, inside := below(path, shown)
		return inside && m.path != m.root
	})
	for dir, p := range l.dirs {
		if _, inside := below(path, p.path); !inside {
			continue
		}
		delete(l.dirs, dir)
		if !l.anchors(dir) {
			_ = l.inotify.Remove(dir) // It may be gone by itself.
		}
	}
}

// anchors tells whether some mount needs dir's events.
func (l *listener) anchors(dir string) bool {
	for _, m := range l.mounts {
		if m.anchored(dir) {
			return true
		}
	}
	return false
}

// explain says what to do about a limit of the system.
func explain(what string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("watch %s: no inotify watch left: raise fs.inotify.max_user_watches on the host (sysctl -w fs.inotify.max_user_watches=524288), add large directories to ignore_watch, or set watch_options.usePolling: %w", what, err)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("watch %s: no inotify instance left: raise fs.inotify.max_user_instances on the host (sysctl -w fs.inotify.max_user_instances=512) or the limit of open files, or set watch_options.usePolling: %w", what, err)
	}
	return fmt.Errorf("watch %s: %w", what, err)
}
