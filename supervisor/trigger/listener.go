package trigger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// listener learns of changes from inotify(7). The goroutine of run owns its fields.
type listener struct {
	watch    Watch
	rules    rules
	inotify  *fsnotify.Watcher
	failures <-chan error        // what fsnotify reports beside events
	dirs     map[string]location // directories whose entries count, by real path
	targets  map[string]target   // by the path they are reported with
	since    time.Time           // when the last change was seen
}

// newListener watches everything that exists now.
func newListener(w Watch, r rules) (*listener, error) {
	inotify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, explain("the files", err)
	}
	l := &listener{
		watch: w, rules: r, inotify: inotify, failures: queueErrors(inotify.Errors),
		dirs: map[string]location{}, targets: map[string]target{}, since: time.Now(),
	}
	if err := l.watchRoots(); err != nil {
		return nil, errors.Join(err, inotify.Close())
	}
	return l, nil
}

// queueErrors passes errors on in their order and never keeps their sender
// waiting, until in is closed. fsnotify holds a lock while it sends one, and the
// receiver may be waiting for that lock, in Add or Remove.
func queueErrors(in <-chan error) <-chan error {
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
func (l *listener) run(ctx context.Context, changes chan<- []location) (err error) {
	defer func() { err = errors.Join(err, l.inotify.Close()) }()
	for {
		var changed []location
		select {
		case event := <-l.inotify.Events:
			changed, err = l.handle(event)
		case failure := <-l.failures:
			changed, err = l.recover(failure)
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

// recover makes up for what fsnotify has lost.
func (l *listener) recover(failure error) ([]location, error) {
	switch {
	case errors.Is(failure, fsnotify.ErrEventOverflow):
		return l.watch.roots(), l.watchRoots() // anything may have changed
	case errors.Is(failure, syscall.EINVAL):
		return nil, nil // fsnotify gave up a watch that the kernel had dropped already
	}
	return nil, fmt.Errorf("watch: %w", failure)
}

func (l *listener) watchRoots() error {
	for _, root := range l.watch.roots() {
		if _, _, err := l.watchTarget(root); err != nil {
			return err
		}
	}
	return nil
}

// handle returns what an event changed, and watches the directories that it added.
func (l *listener) handle(event fsnotify.Event) ([]location, error) {
	event.Name = filepath.Clean(event.Name)
	if event.Op == fsnotify.Chmod && !l.touched(event.Name) {
		return nil, nil
	}
	changed, err := l.handleEntry(event)
	if err != nil {
		return nil, err
	}
	more, err := l.handleTargets(event)
	return append(changed, more...), err
}

// touched reports whether a change of attributes is a new modification time. Mode,
// owner, links and access time do not count.
func (l *listener) touched(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	modified := info.ModTime()
	return modified.After(l.since) && !modified.After(time.Now())
}

// restructures reports whether an event is about more than a file's content.
func restructures(event fsnotify.Event) bool {
	return event.Has(fsnotify.Create) || event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)
}

// handleEntry deals with an event as one about an entry of a directory.
func (l *listener) handleEntry(event fsnotify.Event) ([]location, error) {
	dir, known := l.dirs[filepath.Dir(event.Name)]
	if !known {
		return nil, nil
	}
	p := dir.entry(filepath.Base(event.Name))
	if l.rules.ignore(p) {
		return nil, nil
	}
	changed := []location{p}
	if !restructures(event) {
		return changed, nil
	}
	_, wasDir := l.dirs[event.Name]
	if _, wasLink := l.targets[p.path]; wasDir || wasLink {
		l.forget(p.path)
	}
	found, err := l.addEntry(event.Name, p)
	return append(changed, found...), err
}

// addEntry watches a new entry of a watched directory, if it leads to others.
func (l *listener) addEntry(path string, p location) ([]location, error) {
	var kind fs.FileMode // of a file, if it is gone again
	if info, err := os.Lstat(path); err == nil {
		kind = info.Mode().Type()
	}
	switch {
	case kind.IsDir():
		return l.addDirectory(path, p)
	case kind == fs.ModeSymlink && l.watch.FollowSymlinks:
		_, found, err := l.watchTarget(p)
		return found, err
	}
	return nil, nil
}

// addDirectory watches a directory and returns what is below it. It watches first
// and reads then: what is created later makes an event.
func (l *listener) addDirectory(dir string, p location) ([]location, error) {
	if _, known := l.dirs[dir]; known { // links may lead in circles
		return nil, nil
	}
	if err := l.addWatch(dir); err != nil {
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
	var found []location
	for _, entry := range entries {
		inner := p.entry(entry.Name())
		if l.rules.ignore(inner) {
			continue
		}
		more, err := l.addEntry(filepath.Join(dir, entry.Name()), inner)
		if err != nil {
			return nil, err
		}
		found = append(append(found, inner), more...)
	}
	return found, nil
}

// addWatch asks inotify for the events of a directory. It may be called again.
func (l *listener) addWatch(dir string) error {
	err := l.inotify.Add(dir)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return explain(dir, err)
}

// forget drops what is known of path and below. Otherwise a moved directory keeps
// its inotify watch under the old name.
func (l *listener) forget(path string) {
	maps.DeleteFunc(l.targets, func(shown string, m target) bool {
		_, inside := below(path, shown)
		return inside && m.path != m.root
	})
	for dir, p := range l.dirs {
		if _, inside := below(path, p.path); !inside {
			continue
		}
		delete(l.dirs, dir)
		if !l.needed(dir) {
			_ = l.inotify.Remove(dir) // It may be gone by itself.
		}
	}
}

// explain adds what to do about a limit of the system.
func explain(what string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("watch %s: no inotify watch left: raise fs.inotify.max_user_watches on the host (sysctl -w fs.inotify.max_user_watches=524288), add large directories to ignore_watch, or set watch_options.usePolling: %w", what, err)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("watch %s: no inotify instance left: raise fs.inotify.max_user_instances on the host (sysctl -w fs.inotify.max_user_instances=512) or the limit of open files, or set watch_options.usePolling: %w", what, err)
	}
	return fmt.Errorf("watch %s: %w", what, err)
}
