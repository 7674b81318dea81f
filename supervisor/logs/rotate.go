package logs

import (
	"cmp"
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
	// asideLayout is the time in the name of a file put aside: api__2026-01-31T15-04-05.000.log.
	asideLayout = "2006-01-02T15-04-05.000"
	asideMark   = "__"
	gzipped     = ".gz"
	partial     = ".tmp"
)

// errGivenUp ends a compression when gorun ends; the next start makes up for it.
var errGivenUp = errors.New("gorun is ending")

// putAside renames path to its name with the time, or the first moment after
// last that is free: names never repeat, and sort by age.
func putAside(path string, last time.Time) (time.Time, error) {
	stem, ext := splitName(path)
	t := time.Now().UTC().Truncate(time.Millisecond)
	if !t.After(last) {
		t = last.Add(time.Millisecond)
	}
	for ; ; t = t.Add(time.Millisecond) {
		to := stem + asideMark + t.Format(asideLayout) + ext
		if exists(to) || exists(to+gzipped) {
			continue
		}
		if err := os.Rename(path, to); err != nil {
			return last, fmt.Errorf("put log file aside: %w", err)
		}
		return t, nil
	}
}

// tidier keeps the files put aside few and small, in a goroutine that exists
// only while there is something to do.
type tidier struct {
	path     string
	rotation Rotation
	quit     <-chan struct{}
	running  *sync.WaitGroup
	log      *slog.Logger

	mu    sync.Mutex // guards the rest
	busy  bool
	again bool
}

// wake never waits; calls while it is at work merge.
func (t *tidier) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.again = true
	if t.busy {
		return
	}
	t.busy = true
	t.running.Go(t.run)
}

func (t *tidier) run() {
	for t.more() {
		if err := t.tidy(); err != nil && !errors.Is(err, errGivenUp) {
			t.log.Warn("old log files cannot be tidied", "path", t.path, "error", err)
		}
	}
}

func (t *tidier) more() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = t.again
	t.again = false
	return t.busy
}

// tidy removes what is beyond Retain and compresses the rest.
func (t *tidier) tidy() error {
	aside, err := t.aside()
	if err != nil {
		return err
	}
	surplus := max(0, len(aside)-t.rotation.Retain)
	var errs []error
	for i, path := range aside {
		switch {
		case i < surplus:
			errs = append(errs, remove(path), remove(path+gzipped))
		case t.rotation.Compress:
			errs = append(errs, t.compress(path))
		}
	}
	return errors.Join(errs...)
}

// aside lists the files put aside, oldest first, without their .gz.
func (t *tidier) aside() ([]string, error) {
	stem, ext := splitName(t.path)
	entries, err := os.ReadDir(filepath.Dir(t.path))
	if err != nil {
		return nil, fmt.Errorf("list old log files: %w", err)
	}
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(filepath.Dir(t.path), strings.TrimSuffix(entry.Name(), gzipped))
		stamp, ok := strings.CutPrefix(path, stem+asideMark)
		if !ok {
			continue
		}
		stamp, ok = strings.CutSuffix(stamp, ext)
		if _, err := time.Parse(asideLayout, stamp); ok && err == nil {
			paths = append(paths, path)
		}
	}
	slices.SortFunc(paths, cmp.Compare[string])
	return slices.Compact(paths), nil
}

// compress replaces path by path.gz, which appears when it is complete.
func (t *tidier) compress(path string) error {
	in, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("compress log file: %w", err)
	}
	defer in.Close()
	if err := t.gzip(in, path+gzipped+partial); err != nil {
		return errors.Join(fmt.Errorf("compress %s: %w", path, err), remove(path+gzipped+partial))
	}
	if err := os.Rename(path+gzipped+partial, path+gzipped); err != nil {
		return fmt.Errorf("compress log file: %w", err)
	}
	return remove(path)
}

func (t *tidier) gzip(in io.Reader, to string) error {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, untilQuit{in, t.quit})
	return errors.Join(err, z.Close(), out.Close())
}

// untilQuit is a reader that fails when quit is closed.
type untilQuit struct {
	r    io.Reader
	quit <-chan struct{}
}

func (u untilQuit) Read(p []byte) (int, error) {
	select {
	case <-u.quit:
		return 0, errGivenUp
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

// remove is content with a file that is gone already.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove old log file: %w", err)
	}
	return nil
}
