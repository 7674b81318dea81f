package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fileSet is all log files. Workers that name the same path share one.
type fileSet struct {
	own      [2]*writer // gorun's own output
	now      func() time.Time
	log      *slog.Logger
	openFile func(path string) (*os.File, error) // a test's may hang
	stopping chan struct{}                       // closed: compress no more files
	stop     func()                              // closes stopping, once

	mu      sync.Mutex // guards the rest; never held while waiting for a disk
	files   map[string]*file
	running sync.WaitGroup // what background started
	closed  bool           // no more of it
}

func newFileSet(own [2]*writer, now func() time.Time, log *slog.Logger) *fileSet {
	s := &fileSet{own: own, now: now, log: log, openFile: openFile, stopping: make(chan struct{}), files: make(map[string]*file)}
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	return s
}

// Reopen closes and opens every log file, after they were moved away (logrotate). A
// file whose disk hangs holds up no other file; it is left as it is when ctx is
// over before the disk answers.
func (o *Output) Reopen(ctx context.Context) error {
	o.files.mu.Lock()
	files := slices.Collect(maps.Values(o.files.files))
	o.files.mu.Unlock()
	return forEach(ctx, files, func(f *file) error { return f.reopen(ctx) })
}

// openAll returns the files at paths, each once; workers that name the same path
// share one.
func (s *fileSet) openAll(c Config, id Identity, paths ...string) []*file {
	if c.Disabled {
		return nil
	}
	if !c.Merge {
		for i := range paths {
			paths[i] = instancePath(paths[i], id.Instance)
		}
	}
	var files []*file
	for _, path := range slices.Compact(paths) {
		if isNoFile(path) {
			continue
		}
		if f := s.open(path, c.Rotation); f != nil {
			files = append(files, f)
		}
	}
	return files
}

// open returns the file at path, which a goroutine opens; nil after Close.
func (s *fileSet) open(path string, r Rotation) *file {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	f := s.files[path]
	if f == nil {
		f = newFile(path, r, s)
		s.files[path] = f
		s.running.Go(f.openFirst)
	}
	f.users++
	return f
}

// release closes a file with its last user, in the background.
func (s *fileSet) release(f *file) {
	s.mu.Lock()
	f.users--
	last := f.users == 0
	if last && s.files[f.path] == f {
		delete(s.files, f.path)
	}
	s.mu.Unlock()
	if !last {
		return
	}
	s.background(func() {
		if err := f.close(); err != nil {
			s.log.Warn("cannot close log file", "path", f.path, "error", err)
		}
	})
}

// background runs what may wait for a disk. Close waits for it, and after Close
// nothing is run.
func (s *fileSet) background(run func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Go(run)
	}
}

// close also waits for background work, which it cuts short.
func (s *fileSet) close(ctx context.Context) error {
	s.stop()
	s.mu.Lock()
	s.closed = true
	files := slices.Collect(maps.Values(s.files))
	clear(s.files)
	s.mu.Unlock()

	idle := make(chan struct{})
	go func() {
		s.running.Wait()
		close(idle)
	}()
	var errs []error
	if !reached(ctx, idle) {
		errs = append(errs, fmt.Errorf("open, close or compress log files: %w", ctx.Err()))
	}
	errs = append(errs, forEach(ctx, files, (*file).close))
	return errors.Join(errs...)
}

// forEach calls do for all files at once, so that a disk that hangs holds up its
// own files only. It returns without the rest when ctx is over.
func forEach(ctx context.Context, files []*file, do func(*file) error) error {
	results := make([]chan error, len(files))
	for i, f := range files {
		results[i] = make(chan error, 1)
		go func() { results[i] <- do(f) }()
	}
	var errs []error
	for i, f := range files {
		select {
		case err := <-results[i]:
			errs = append(errs, err)
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("wait for log file %s: %w", f.path, ctx.Err()))
		}
	}
	return errors.Join(errs...)
}

// isOwn reports whether path leads to gorun's stdout or stderr, as /proc/1/fd/1
// does: lines are not written there twice.
func (s *fileSet) isOwn(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(s.own[:], func(w *writer) bool { return w.info != nil && os.SameFile(info, w.info) })
}

// instancePath puts -0, -1, … before the extension.
func instancePath(path string, instance int) string {
	if isNoFile(path) {
		return path
	}
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-" + strconv.Itoa(instance) + ext
}

// isNoFile reports whether path means that there is no file: pm2's NULL included,
// and the names of gorun's own output.
func isNoFile(path string) bool {
	switch path {
	case "", "NULL", "/dev/null", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1", "/proc/self/fd/2":
		return true
	}
	return filepath.Base(path) == "NULL"
}
