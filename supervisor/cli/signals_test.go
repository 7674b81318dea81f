package cli

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// stuck is a supervisor all of whose methods hang until it is closed.
type stuck chan struct{}

func (s stuck) Signal(unix.Signal) { <-s }

func (s stuck) Reload(context.Context, func() (spec.Revision, error), func(status.Progress)) error {
	<-s
	return nil
}

// The loop that calls the actions also reaps, and obeys SIGTERM. Here everything
// hangs that can: gorun's own output, a log file, the opening of log files, the
// ecosystem file, the workers.
func TestNoActionOfASignalWaitsForABlockedLog(t *testing.T) {
	hang := make(stuck)
	output := blockedOutput(t)
	v := service{
		reaper: theReaper, log: slog.New(output.Handler()),
		reopen: func(ctx context.Context) error {
			err := output.Reopen(ctx)
			<-hang
			return err
		},
		load: func(string, []string) ([]spec.App, error) { return nil, nil },
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	defer close(hang)
	for what, actions := range map[string]signals.Actions{
		"run":     v.actions(ctx, ctx, hang, shutdown{stop: func() {}, kill: func() {}}),
		"exec":    execActions(ctx, theReaper, make(chan unix.Signal)),
		"command": clientActions(func() {}, make(chan struct{})),
	} {
		all := reflect.ValueOf(actions)
		for i := range all.NumField() {
			if action := all.Field(i); !action.IsNil() && !returns(action) {
				t.Errorf("%s: %s waits", what, all.Type().Field(i).Name)
			}
		}
	}
}

// returns calls an action more often than anything queues what it asks for.
func returns(action reflect.Value) bool {
	var args []reflect.Value
	if action.Type().NumIn() > 0 {
		args = []reflect.Value{reflect.ValueOf(unix.SIGTERM)}
	}
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		for range 3 * maxForwards {
			action.Call(args)
		}
	}()
	select {
	case <-returned:
		return true
	case <-time.After(patience):
		return false
	}
}

// blockedOutput has a reader that does not read: of gorun's own output, and of a
// log file, into which a worker writes.
func blockedOutput(t *testing.T) *logs.Output {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fill(t, write)
	path := filepath.Join(t.TempDir(), "out.log")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	output := logs.New(logs.Options{Stdout: write, Stderr: write})
	t.Cleanup(func() {
		_, _ = reader.Close(), read.Close() // whoever waits for them gets an error
		_ = output.Close(t.Context())
		_ = write.Close()
	})
	worker, err := output.Worker(logs.Identity{App: "api"}, logs.Config{OutFile: path, Merge: true}).Capture()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := worker.Files()
	go func() {
		defer stderr.Close()
		for line := make([]byte, 4096); ; line[4095] = '\n' {
			if _, err := stdout.Write(line); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = stdout.Close() })
	return output
}

// fill writes into a pipe until it takes no more.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	if err := pipe.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for page := make([]byte, 4096); ; {
		if _, err := pipe.Write(page); err != nil {
			break
		}
	}
	if err := pipe.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// timeout(1) signals its child, and then its group with the child in it.
func TestARepeatedStopSignalIsNoSecondOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var did []string
		stop := service{log: slog.New(slog.DiscardHandler)}.stopAction(shutdown{
			stop: func() { did = append(did, "stop") },
			kill: func() { did = append(did, "kill") },
		})
		stop(unix.SIGTERM)
		<-time.After(repeatInterval)
		stop(unix.SIGTERM)
		if want := []string{"stop"}; !slices.Equal(did, want) {
			t.Errorf("a signal and its repetition: %v, want %v", did, want)
		}
		<-time.After(1)
		stop(unix.SIGTERM)
		if want := []string{"stop", "kill"}; !slices.Equal(did, want) {
			t.Errorf("and one later: %v, want %v", did, want)
		}
	})
}
