package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"gorun/supervisor/usage"
)

// entry is one process in /proc/PID/stat, see proc_pid_stat(5).
type entry struct {
	pid, ppid, group, session int
	threads                   int // the first of them counts, dead or not
	state                     byte
	started                   uint64 // clock ticks since boot: with the pid, the identity of a process
}

// dead reports whether only the exit status is left of the process. A process whose
// first thread has ended has the same state, but its other threads run.
func (e entry) dead() bool {
	return (e.state == 'Z' || e.state == 'X') && e.threads <= 1
}

// processTable reads all processes that this one can see: none where CheckProc
// fails.
func processTable() []entry {
	if CheckProc() != nil {
		return nil
	}
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	all := make([]entry, 0, len(names))
	var buffer [statSize]byte
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		if e, err := readEntryInto(buffer[:], name); err == nil {
			all = append(all, e)
		}
	}
	return reparent(all)
}

// reparent reads again the processes whose parent is missing or dead in the table: it
// ended while the table was read, and they have another parent by now.
func reparent(table []entry) []entry {
	known := make(map[int]bool, len(table))
	for _, e := range table {
		known[e.pid] = !e.dead()
	}
	for i, e := range table {
		if e.ppid == 0 || known[e.ppid] {
			continue
		}
		if now, err := readEntry(strconv.Itoa(e.pid)); err == nil && now.started == e.started {
			table[i] = now
		}
	}
	return table
}

// statSize is more than a line of /proc/PID/stat can have: 52 numbers and a name.
const statSize = 2048

func readEntry(pid string) (entry, error) {
	return readEntryInto(make([]byte, statSize), pid)
}

func readEntryInto(buffer []byte, pid string) (entry, error) {
	text, err := usage.ReadInto(buffer, "/proc/"+pid+"/stat")
	if err != nil {
		return entry{}, fmt.Errorf("read process %s: %w", pid, err)
	}
	return parseStat(text)
}

// parseStat parses a line of /proc/PID/stat. The name, in parentheses, may contain
// anything, parentheses and newlines too.
func parseStat(text []byte) (entry, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 1 || end < open {
		return entry{}, fmt.Errorf("parse stat %q: no name in parentheses", text)
	}
	const first, threads, startTime = 3, 20, 22 // numbers of fields in proc(5)
	var fields [startTime - first + 1][]byte
	found := usage.FirstFields(fields[:], text[end+1:])
	if found < len(fields) || len(fields[0]) != 1 {
		return entry{}, fmt.Errorf("parse stat %q: only %d fields", text, found)
	}
	e := entry{state: fields[0][0]}
	numbers := [...]struct {
		text []byte
		into *int
	}{
		{bytes.TrimSpace(text[:open]), &e.pid},
		{fields[1], &e.ppid},
		{fields[2], &e.group},
		{fields[3], &e.session},
		{fields[threads-first], &e.threads},
	}
	for _, number := range numbers {
		n, err := strconv.Atoi(string(number.text))
		if err != nil {
			return entry{}, fmt.Errorf("parse stat %q: %w", text, err)
		}
		*number.into = n
	}
	started, err := strconv.ParseUint(string(fields[startTime-first]), 10, 64)
	if err != nil {
		return entry{}, fmt.Errorf("parse stat %q: %w", text, err)
	}
	e.started = started
	return e, nil
}

func readNumber(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read number: %w", err)
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil {
		return 0, fmt.Errorf("read number in %s: %w", path, err)
	}
	return n, nil
}

func pids(entries []entry) []int {
	numbers := make([]int, len(entries))
	for i, e := range entries {
		numbers[i] = e.pid
	}
	return numbers
}
