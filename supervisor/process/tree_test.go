package process

import (
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// daemon is a shell command that leaves a process with a session of its own,
// whose parent has ended, and prints its pid.
const daemon = `(setsid sh -c 'echo $$; exec sleep 1000' &)`

func TestDaemonisedProcessIsFoundAndEnded(t *testing.T) {
	w := begin(t, shellSpec(daemon+`; sleep 1000`))
	pid := w.number(t)
	eventually(t, func() bool { return slices.Contains(w.Members(), pid) }) // its parent may be about to end
	if forced := w.Stop(t.Context(), Ladder{Signal: unix.SIGTERM, Grace: never}); forced || lives(pid) {
		t.Errorf("forced: %v; lives: %v", forced, lives(pid))
	}
}

func TestWorkersWithTheSameProgramAreToldApart(t *testing.T) {
	spec := shellSpec(daemon + `; sleep 1000`)
	spec.Marker = "app/ONE"
	one := begin(t, spec)
	spec.Marker = "one app/OTHER"
	other := begin(t, spec)
	onePid, otherPid := one.number(t), other.number(t)
	eventually(t, func() bool {
		trees := Trees([]*Process{one.Process, other.Process})
		return slices.Contains(trees[0], onePid) && slices.Contains(trees[1], otherPid)
	})
	if slices.Contains(one.Members(), otherPid) || slices.Contains(other.Members(), onePid) {
		t.Errorf("one %v, other %v", one.Members(), other.Members())
	}
	one.Stop(t.Context(), Ladder{Signal: unix.SIGTERM, Grace: never})
	if !lives(otherPid) || !lives(other.Pid()) {
		t.Error("the end of one has ended the other")
	}
}

func TestMarkerIsFoundBesideAnOuterOne(t *testing.T) {
	spec := shellSpec(`(setsid sh -c 'echo $$ $GORUN_WORKER; exec sleep 1000' &)`)
	spec.Env = []string{MarkerName + "=outer/1"}
	spec.Marker = "inner/2"
	w := begin(t, spec)
	line := w.line(t)
	wait(t, w.Exited())
	if len(w.Members()) != 1 || !strings.HasSuffix(line, " outer/1 inner/2") {
		t.Errorf("%s; members %v", line, w.Members())
	}
}

func TestSignalReachesEveryMemberOnce(t *testing.T) {
	w := begin(t, Spec{Argv: []string{"/bin/sh", "-c", `
		setsid sh -c 'trap "echo far" USR1; ` + idle + `' & sh -c 'trap "echo near" USR1; ` + idle + `' & trap "echo main" USR1; ` + idle}})
	for range 3 {
		if got := w.line(t); got != "up" {
			t.Fatal(got)
		}
	}
	SignalAll([]*Process{w.Process}, unix.SIGUSR1)
	got := []string{w.line(t), w.line(t), w.line(t)}
	SignalAll([]*Process{w.Process}, unix.SIGKILL) // a second word would be in the pipe by the time of the next
	slices.Sort(got)
	if want := []string{"far", "main", "near"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestASignalToAllTakesOneReadOfTheTable counts: 30 workers cost 1,782 reads of
// /proc/PID/stat before the last had its signal.
func TestASignalToAllTakesOneReadOfTheTable(t *testing.T) {
	workers := make([]worker, 3)
	all := make([]*Process, len(workers))
	for i := range workers {
		spec := shellSpec(`setsid sh -c 'trap "echo far" USR1; ` + idle + `' & trap "echo main" USR1; ` + idle)
		spec.Marker = t.Name() + "/" + strconv.Itoa(i)
		workers[i] = begin(t, spec)
		all[i] = workers[i].Process
		for range 2 {
			if got := workers[i].line(t); got != "up" {
				t.Fatal(got)
			}
		}
	}
	reads := 0
	read := func() []entry {
		reads++
		return processTable()
	}
	signalAll(nil, unix.SIGUSR1, read)
	if reads != 0 {
		t.Errorf("%d reads for no process", reads)
	}
	signalAll(all, unix.SIGUSR1, read)
	if reads != 1 {
		t.Errorf("%d reads of the process table for %d processes, want 1", reads, len(all))
	}
	for _, w := range workers {
		got := []string{w.line(t), w.line(t)}
		slices.Sort(got)
		if want := []string{"far", "main"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

func TestOtherUsersOrphanIsFoundWithoutCapSysPtrace(t *testing.T) {
	needRoot(t)
	cleanUp(t)
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p, err := Start(shared, Spec{Argv: []string{"/proc/self/exe"}, Env: environ(modeVariable + "=drop-ptrace"), Stdout: out, Stderr: out})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, p.Exited())
	got, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), "operation not permitted") {
		t.Skipf("the capability cannot be dropped here: %s", got)
	}
	if want := "members 1 denied true\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReadAsPutsTheIdentityBack(t *testing.T) {
	needRoot(t)
	before, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Uid and Gid, the last number of each is the one for files.
	got, err := readAs(syscall.Credential{Uid: 65534, Gid: 65533}, "/proc/thread-self/status")
	if err != nil || !strings.Contains(string(got), "Uid:\t0\t0\t0\t65534\n") || !strings.Contains(string(got), "Gid:\t0\t0\t0\t65533\n") {
		t.Fatalf("%v: %s", err, got)
	}
	if after, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); after != before || err != nil {
		t.Errorf("dumpable %d, %v, want %d", after, err, before)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		status, err := os.ReadFile("/proc/self/task/" + task.Name() + "/status")
		if err == nil && !strings.Contains(string(status), "Uid:\t0\t0\t0\t0\n") {
			t.Errorf("thread %s: %s", task.Name(), status)
		}
	}
}

func TestMembersOfATable(t *testing.T) {
	const leader, born = 1 << 30, 50 // no such process
	self := os.Getpid()
	table := []entry{
		{pid: leader, ppid: self, group: leader, session: leader, state: 'S', started: born},
		{pid: 11, ppid: leader, group: leader, session: leader, state: 'S', started: 60},
		{pid: 12, ppid: 11, group: 12, session: 12, state: 'R', started: 61},
		{pid: 13, ppid: 12, group: 13, session: 13, state: 'Z', threads: 1, started: 62},
		{pid: 14, ppid: 13, group: 14, session: 14, state: 'S', started: 63},
		{pid: 15, ppid: 12, group: 13, session: 13, state: 'Z', threads: 4, started: 62},
		{pid: 20, ppid: self, group: leader, session: 20, state: 'S', started: 64},
		{pid: 21, ppid: self, group: 21, session: leader, state: 'S', started: 65},
		{pid: 30, ppid: self, group: 30, session: 30, state: 'S', started: 66},
		{pid: 40, ppid: 1, group: 40, session: 40, state: 'S', started: 67},
	}
	reused := slices.Clone(table)
	reused[0].started = 1000
	tests := []struct {
		name  string
		born  uint64
		table []entry
		want  []int
	}{
		{"whole tree", born, table, []int{leader, 11, 12, 14, 15, 20, 21}},
		{"leader gone", born, table[1:], []int{11, 12, 14, 15, 20, 21}},
		{"leader's number is somebody else's", born, reused, []int{}},
		{"start unknown", 0, reused, []int{leader, 11, 12, 14, 15, 20, 21}},
		{"nobody", born, nil, []int{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := processTree{leader: leader, started: test.born, marker: "m", owns: func(pid int) bool { return pid == 30 }}
			got := pids(f.members(test.table))
			slices.Sort(got)
			slices.Sort(test.want)
			if !slices.Equal(got, test.want) {
				t.Errorf("members %v, want %v", got, test.want)
			}
		})
	}
}

func TestSignalSparesAReusedNumber(t *testing.T) {
	w := begin(t, shellSpec("exec sleep 1000"))
	e, err := readEntry(strconv.Itoa(w.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	e.started++ // another process
	signalEntry(e, unix.SIGKILL)
	select {
	case <-w.Exited():
		t.Error("killed")
	default:
	}
	if !lives(w.Pid()) {
		t.Error("killed")
	}
}

func TestWithMarker(t *testing.T) {
	for _, test := range []struct{ environ, want []string }{
		{nil, []string{"GORUN_WORKER=m"}},
		{[]string{"A=1"}, []string{"A=1", "GORUN_WORKER=m"}},
		{[]string{"GORUN_WORKER=o", "A=1"}, []string{"A=1", "GORUN_WORKER=o m"}},
		{[]string{"GORUN_WORKERS=o"}, []string{"GORUN_WORKERS=o", "GORUN_WORKER=m"}},
	} {
		if got := withMarker(test.environ, "m"); !reflect.DeepEqual(got, test.want) {
			t.Errorf("withMarker(%q) = %q, want %q", test.environ, got, test.want)
		}
	}
}

func TestSetsidIsThere(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Fatal("the tests of this package take setsid(1) from util-linux")
	}
}

func TestOneSignalReachesEveryTreeOnce(t *testing.T) {
	script := shellSpec(`setsid sh -c 'trap "echo far" USR1; ` + idle + `' & trap "echo main" USR1; ` + idle)
	var workers []worker
	var trees []*Process
	for i := range 3 {
		script.Marker = "many/" + strconv.Itoa(i)
		w := begin(t, script)
		workers, trees = append(workers, w), append(trees, w.Process)
		for range 2 {
			if got := w.line(t); got != "up" {
				t.Fatal(got)
			}
		}
	}
	SignalAll(trees, unix.SIGUSR1)
	for _, w := range workers {
		got := []string{w.line(t), w.line(t)}
		slices.Sort(got)
		if want := []string{"far", "main"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	SignalAll(trees, unix.SIGKILL) // a second word would be in the pipes by now
	for _, w := range workers {
		if line, err := w.lines.ReadString('\n'); err == nil {
			t.Errorf("signalled again: %q", line)
		}
	}
	SignalAll(nil, unix.SIGKILL)
}
