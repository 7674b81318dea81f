package logs

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// rotatedLayout is the time in the name of a rotated file: api__2026-01-31T15-04-05.000.log.
	rotatedLayout = "2006-01-02T15-04-05.000"
	rotatedMark   = "__"
	gzipped       = ".gz"
	partial       = ".tmp"
)

// errShutdown ends a compression when gorun ends; the next rotation compresses the file.
var errShutdown = errors.New("gorun is ending")

// renameRotated renames path to its name with the time, or the first free
// millisecond after last: names never repeat, and sort by age.
func renameRotated(path string, last time.Time) (time.Time, error) {
	stem, ext := splitName(path)
	t := time.Now().UTC().Truncate(time.Millisecond)
	if !t.After(last) {
		t = last.Add(time.Millisecond)
	}
	for ; ; t = t.Add(time.Millisecond) {
		to := stem + rotatedMark + t.Format(rotatedLayout) + ext
		if exists(to) || exists(to+gzipped) {
			continue
		}
		if err := os.Rename(path, to); err != nil {
			return last, fmt.Errorf("rotate log file: %w", err)
		}
		return t, nil
	}
}

// retention removes and compresses rotated files, in a goroutine that exists only
// while there is work.
type retention struct {
	path       string
	rotation   Rotation
	quit       <-chan struct{}
	background func(run func())
	log        *slog.Logger

	mu    sync.Mutex // guards the rest
	busy  bool
	again bool
}

// wake never waits; calls during a run merge into one more run.
func (r *retention) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again = true
	if r.busy {
		return
	}
	r.busy = true
	r.background(r.run)
}

func (r *retention) run() {
	for r.next() {
		if err := r.apply(); err != nil && !errors.Is(err, errShutdown) {
			r.log.Warn("cannot remove or compress rotated log files", "path", r.path, "error", err)
		}
	}
}

func (r *retention) next() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = r.again
	r.again = false
	return r.busy
}

// apply removes the oldest files beyond Retain and compresses the rest.
func (r *retention) apply() error {
	rotated, err := r.rotated()
	if err != nil {
		return err
	}
	surplus := max(0, len(rotated)-r.rotation.Retain)
	var errs []error
	for i, path := range rotated {
		switch {
		case i < surplus:
			errs = append(errs, remove(path), remove(path+gzipped))
		case r.rotation.Compress:
			errs = append(errs, r.compress(path))
		}
	}
	return errors.Join(errs...)
}

// rotated lists the rotated files, oldest first, without their .gz.
func (r *retention) rotated() ([]string, error) {
	stem, ext := splitName(r.path)
	entries, err := os.ReadDir(filepath.Dir(r.path))
	if err != nil {
		return nil, fmt.Errorf("list rotated log files: %w", err)
	}
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(filepath.Dir(r.path), strings.TrimSuffix(entry.Name(), gzipped))
		stamp, ok := strings.CutPrefix(path, stem+rotatedMark)
		if !ok {
			continue
		}
		stamp, ok = strings.CutSuffix(stamp, ext)
		if _, err := time.Parse(rotatedLayout, stamp); ok && err == nil {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// compress replaces path by path.gz, which appears when it is complete.
func (r *retention) compress(path string) error {
	in, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("compress log file: %w", err)
	}
	defer in.Close()
	if err := r.gzip(in, path+gzipped+partial); err != nil {
		return errors.Join(fmt.Errorf("compress %s: %w", path, err), remove(path+gzipped+partial))
	}
	if err := os.Rename(path+gzipped+partial, path+gzipped); err != nil {
		return fmt.Errorf("compress log file: %w", err)
	}
	return remove(path)
}

func (r *retention) gzip(in io.Reader, to string) error {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, untilQuit{in, r.quit})
	return errors.Join(err, z.Close(), out.Close())
}

// untilQuit is a reader that fails once quit is closed.
type untilQuit struct {
	r    io.Reader
	quit <-chan struct{}
}

func (u untilQuit) Read(p []byte) (int, error) {
	select {
	case <-u.quit:
		return 0, errShutdown
	default:
		return u.r.Read(p)
	}
}

func splitName(path string) (stem, ext string) {
	ext = filepath.Ext(path)
	return strings.TrimSuffix(path, ext), ext
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// remove succeeds also where the file is gone already.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove rotated log file: %w", err)
	}
	return nil
}
