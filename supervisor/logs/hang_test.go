package logs

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// hungDisk is an Output whose files below dir/hung are on a disk that hangs until
// thaw.
type hungDisk struct {
	*Output

	dir    string
	out    buffer
	thaw   func()
	opened chan struct{} // receives each attempt to open a file of the disk
}

// newHungDisk makes a disk whose files open opens.
func newHungDisk(t *testing.T, open func(path string, thawed <-chan struct{}) (*os.File, error)) *hungDisk {
	t.Helper()
	thawed := make(chan struct{})
	d := &hungDisk{dir: t.TempDir(), opened: make(chan struct{}, 100)}
	d.Output = New(Options{Stdout: &d.out, Stderr: io.Discard})
	d.files.openFile = func(path string) (*os.File, error) {
		if !strings.HasPrefix(path, filepath.Join(d.dir, "hung")) {
			return openFile(path)
		}
		d.opened <- struct{}{}
		return open(path, thawed)
	}
	d.thaw = func() { close(thawed) }
	return d
}

// hangInOpen opens the file after the thaw.
func hangInOpen(path string, thawed <-chan struct{}) (*os.File, error) {
	<-thawed
	return openFile(path)
}

// hangInWrite returns a pipe in blocking mode that is full, and is read after the thaw.
func hangInWrite(_ string, thawed <-chan struct{}) (*os.File, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	r, w := os.NewFile(uintptr(fds[0]), "disk"), os.NewFile(uintptr(fds[1]), "disk")
	size, err := unix.FcntlInt(w.Fd(), unix.F_GETPIPE_SZ, 0)
	if err == nil {
		_, err = w.Write(make([]byte, size))
	}
	go func() {
		<-thawed
		_, _ = io.Copy(io.Discard, r)
		_ = r.Close()
	}()
	return w, err
}

// TestAHungDiskHoldsUpNoOtherApp is for `scale a +1` while the disk of a's logs
// hangs: app b could not restart, because Output's lock was held over open(2).
func TestAHungDiskHoldsUpNoOtherApp(t *testing.T) {
	for name, open := range map[string]func(string, <-chan struct{}) (*os.File, error){"in open": hangInOpen, "in write": hangInWrite} {
		t.Run(name, func(t *testing.T) {
			d := newHungDisk(t, open)
			over := make(chan struct{})
			go func() {
				defer close(over)
				d.exercise(t)
			}()
			select {
			case <-over:
				d.thaw()
			case <-soon(t).Done():
				d.thaw()
				<-over
				t.Error("waited for the disk")
			}
			eventually(t, func() bool { return goroutines() == "" })
		})
	}
}

// exercise does what must not wait for the disk.
func (d *hungDisk) exercise(t *testing.T) {
	t.Helper()
	hung := Config{OutFile: filepath.Join(d.dir, "hung/a.log"), Merge: true}
	a := d.Worker(Identity{App: "a"}, hung)
	stuck := capture(t, a)
	<-d.opened
	say, _ := stuck.Files()
	if _, err := say.WriteString("lost\n"); err != nil {
		t.Error(err)
	}
	eventually(t, func() bool { return strings.Contains(d.out.String(), "lost\n") })

	d.restart(t)                                       // of b
	d.Worker(Identity{App: "a", Instance: 1}, hung)    // scale a +1
	a.Reconfigure(Config{OutFile: hung.OutFile + "2"}) // reload of a
	end(t, capture(t, a))                              // restart of a
	if err := stuck.Drain(over()); err == nil {
		t.Error("the line was written to a disk that hangs")
	}
	if err := stuck.Close(over()); !errors.Is(err, context.Canceled) {
		t.Errorf("Close of the capture = %v", err)
	}
	a.Close() // delete a
	d.restart(t)
	if !strings.Contains(goroutines(), "logs.(*file)") {
		t.Error("nothing waited for the disk")
	}
	if err := d.Close(over()); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v", err)
	}
}

// restart runs app b from its configuration to its end; its files are on another disk.
func (d *hungDisk) restart(t *testing.T) {
	t.Helper()
	path := filepath.Join(d.dir, "b.log")
	b := d.Worker(Identity{App: "b"}, Config{OutFile: path, Merge: true})
	run(t, b, "empty")
	moved := path + ".1"
	if err := os.Rename(path, moved); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reopened := make(chan error)
	go func() { reopened <- d.Reopen(ctx) }()
	eventually(t, func() bool { return exists(path) })
	cancel()
	if err := <-reopened; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "hung/a.log") {
		t.Errorf("Reopen = %v", err)
	}
	run(t, b, "empty")
	if got := read(t, path); got != text("empty") {
		t.Errorf("file of b: %q", got)
	}
	if err := d.Flush(context.Background(), func(id Identity) bool { return id.App == "b" }); err != nil {
		t.Error(err)
	}
	b.Reconfigure(Config{OutFile: path + ".new", Merge: true})
	run(t, b, "empty")
	b.Close()
	eventually(t, func() bool { return exists(path+".new") && read(t, path+".new") == text("empty") })
	for _, file := range []string{path, moved, path + ".new"} {
		_ = os.Remove(file)
	}
}
