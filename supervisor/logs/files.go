package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Reopen closes and opens every log file, after they were moved away (logrotate). A
// file whose disk hangs holds up no other file; it is left as it is when ctx is
// over before the disk answers.
func (o *Output) Reopen(ctx context.Context) error {
	o.mu.Lock()
	files := make([]*file, 0, len(o.files))
	for _, f := range o.files {
		files = append(files, f)
	}
	o.mu.Unlock()
	return forEach(ctx, files, func(f *file) error { return f.reopen(ctx) })
}

// openAll returns the files at paths, each once; workers that name the same path
// share one.
func (o *Output) openAll(c Config, id Identity, paths ...string) []*file {
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
		if f := o.open(path, c.Rotation); f != nil {
			files = append(files, f)
		}
	}
	return files
}

// open returns the file at path, which a goroutine opens; nil after Close.
func (o *Output) open(path string, r Rotation) *file {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	f := o.files[path]
	if f == nil {
		f = newFile(path, r, o)
		o.files[path] = f
		o.running.Go(f.openFirst)
	}
	f.users++
	return f
}

// releaseFile closes a file with its last user, in the background.
func (o *Output) releaseFile(f *file) {
	o.mu.Lock()
	f.users--
	last := f.users == 0
	if last && o.files[f.path] == f {
		delete(o.files, f.path)
	}
	o.mu.Unlock()
	if !last {
		return
	}
	o.background(func() {
		if err := f.close(); err != nil {
			o.log.Warn("cannot close log file", "path", f.path, "error", err)
		}
	})
}

// background runs what may wait for a disk. Close waits for it, and after Close
// nothing is run.
func (o *Output) background(run func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.running.Go(run)
	}
}

// closeFiles also waits for background work, which ends early once o.stopping is closed.
func (o *Output) closeFiles(ctx context.Context) error {
	o.mu.Lock()
	o.closed = true
	files := make([]*file, 0, len(o.files))
	for _, f := range o.files {
		files = append(files, f)
	}
	clear(o.files)
	o.mu.Unlock()

	idle := make(chan struct{})
	go func() {
		o.running.Wait()
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
func (o *Output) isOwn(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	for _, w := range o.writers {
		if w.info != nil && os.SameFile(info, w.info) {
			return true
		}
	}
	return false
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
