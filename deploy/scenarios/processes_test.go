//go:build scenarios

package scenarios_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// process is what /proc tells about one process, seen from our namespace.
type process struct {
	pid, parent int
	name        string
	state       string // R, S, D, T, Z …
}

func (p process) String() string {
	return fmt.Sprintf("%s[%d %s]", p.name, p.pid, p.state)
}

// processesWith lists the living processes with that variable in their
// environment.
func processesWith(marker string) []process {
	var found []process
	for _, p := range processes() {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
		if err == nil && bytes.Contains(environ, []byte(marker+"\x00")) {
			found = append(found, p)
		}
	}
	return found
}

// running returns the one living process with the marker and exactly these
// arguments.
func running(t *testing.T, marker string, args ...string) int {
	t.Helper()
	want := "\x00" + strings.Join(args, "\x00") + "\x00"
	var found []int
	eventually(t, fmt.Sprintf("one process with the arguments %q", args), func() bool {
		found = nil
		for _, p := range processesWith(marker) {
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
			program := bytes.IndexByte(line, 0)
			if err == nil && program >= 0 && string(line[program:]) == want {
				found = append(found, p.pid)
			}
		}
		return len(found) == 1
	})
	return found[0]
}

// childrenOf lists a process's children, the dead ones too.
func childrenOf(pid int) []process {
	var found []process
	for _, p := range processes() {
		if p.parent == pid {
			found = append(found, p)
		}
	}
	return found
}

// onlyChild waits until a process has one child and returns it.
func onlyChild(t *testing.T, pid int) int {
	t.Helper()
	var children []process
	eventually(t, "one child", func() bool {
		children = childrenOf(pid)
		return len(children) == 1
	})
	return children[0].pid
}

func processes() []process {
	paths, _ := filepath.Glob("/proc/[0-9]*")
	var found []process
	for _, path := range paths {
		if p, ok := readProcess(path); ok {
			found = append(found, p)
		}
	}
	return found
}

func readProcess(path string) (process, bool) {
	stat, err := os.ReadFile(path + "/stat")
	if err != nil {
		return process{}, false
	}
	// The name may hold anything, parentheses too.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	pid, _ := strconv.Atoi(string(bytes.TrimSpace(stat[:open])))
	parent, _ := strconv.Atoi(fields[1])
	return process{pid: pid, parent: parent, name: string(stat[open+1 : end]), state: fields[0]}, true
}

// stateOf returns the letter of a process's state, "" when it is gone.
func stateOf(pid int) string {
	p, _ := readProcess("/proc/" + strconv.Itoa(pid))
	return p.state
}

func exists(pid int) bool {
	return stateOf(pid) != ""
}

// statusField returns one line of /proc/PID/status.
func statusField(t *testing.T, pid int, name string) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("no %s in /proc/%d/status", name, pid)
	return ""
}

// memory returns a memory figure of /proc/PID/status, in bytes.
func memory(t *testing.T, pid int, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.Fields(statusField(t, pid, name))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// overThreads adds up a figure over the threads of a process.
func overThreads(t *testing.T, pid int, file string, figure func(content string) int64) int64 {
	t.Helper()
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", pid, file))
	var sum int64
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err == nil {
			sum += figure(string(content))
		}
	}
	return sum
}

// wakeUps counts how often any thread of a process went to sleep by itself.
func wakeUps(t *testing.T, pid int) int64 {
	t.Helper()
	return overThreads(t, pid, "status", func(content string) int64 {
		_, rest, _ := strings.Cut(content, "\nvoluntary_ctxt_switches:")
		n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		return n
	})
}

// cpuNanoseconds is the processor time of all living threads of a process.
func cpuNanoseconds(t *testing.T, pid int) int64 {
	t.Helper()
	return overThreads(t, pid, "schedstat", func(content string) int64 {
		n, _ := strconv.ParseInt(strings.Fields(content)[0], 10, 64)
		return n
	})
}
