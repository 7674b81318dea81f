package usage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gorun/supervisor/status"
)

func TestParseStat(t *testing.T) {
	tail := func(state string) string {
		return state + " 1 2 3 0 -1 4194304 99 0 0 0 100 20 3 4 20 0 7 0 123367 3133440 395"
	}
	tests := []struct {
		name, text string
		want       stat
		ok         bool
	}{
		{"all four times add up", "12 (node) " + tail("S"), stat{cpu: 1270 * time.Millisecond, threads: 7}, true},
		{"a name that looks like the rest", "12 (a) R 9 9 (x)) " + tail("S"), stat{cpu: 1270 * time.Millisecond, threads: 7}, true},
		{"newline in the name", "12 (a\nb) " + tail("R"), stat{cpu: 1270 * time.Millisecond, threads: 7}, true},
		{"zombie", "12 (sh) " + tail("Z"), stat{cpu: 1270 * time.Millisecond, threads: 7, dead: true}, true},
		{"empty", "", stat{}, false},
		{"cut off", "12 (sh) S 1 2 3", stat{}, false},
		{"no number", "12 (sh) " + strings.Replace(tail("S"), " 100 ", " x ", 1), stat{}, false},
		{"too large", "12 (sh) " + strings.Replace(tail("S"), " 100 ", " 9223372036854775807 ", 1), stat{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseStat([]byte(test.text))
			if got != test.want || ok != test.ok {
				t.Errorf("parseStat(%q) = %+v, %v, want %+v, %v", test.text, got, ok, test.want, test.ok)
			}
		})
	}
}

// fixture writes files below a new directory: path → content.
func fixture(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, content := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestOfAddsUpWhatCanBeRead(t *testing.T) {
	page := int64(os.Getpagesize())
	proc := fixture(t, map[string]string{
		"10/stat":  "10 (npm) S 1 10 10 0 -1 0 0 0 0 0 10 10 10 10 20 0 2 0 1 1 1",
		"10/statm": "500 30 10 1 0 5 0\n",
		"10/fd/0":  "", "10/fd/1": "", "10/fd/2": "",
		"11/stat":  "11 (other user) S 1 10 10 0 -1 0 0 0 0 0 1 0 0 0 20 0 1 0 1 1 1", // no fd
		"11/statm": "500 12 10 1 0 5 0\n",
		"12/stat":  "12 (dead) Z 1 10 10 0 -1 0 0 0 0 0 5 0 0 0 20 0 1 0 1 1 1",
		"12/statm": "0 0 0 0 0 0 0\n",
		"13/stat":  "nonsense",
	})
	t.Setenv("HOST_PROC", "/nowhere")
	got := of(proc, []int{10, 11, 12, 13, 99})
	want := status.Usage{CPU: 460 * time.Millisecond, Resident: 42 * page, Descriptors: 3, Threads: 3, Processes: 2}
	if got != want {
		t.Errorf("of = %+v, want %+v", got, want)
	}
	if got := residents(proc, []int{10, 11, 12, 13, 99}); got != want.Resident {
		t.Errorf("residents = %d, want %d", got, want.Resident)
	}
}

func TestOfMeasuresRealProcesses(t *testing.T) {
	before := Of([]int{os.Getpid()})
	// The shell burns CPU and is reaped: its time becomes ours.
	command := exec.Command("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done")
	if err := command.Run(); err != nil {
		t.Skipf("no shell: %v", err)
	}
	extra, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	after := Of([]int{os.Getpid(), 1 << 22}) // the second is beyond any pid
	child := command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	if gain := after.CPU - before.CPU; gain < child-3*tick {
		t.Errorf("CPU grew by %v, want at least the child's %v", gain, child)
	}
	if after.Processes != 1 || after.Threads < 2 || after.Resident < 1<<20 || after.Descriptors < 4 {
		t.Errorf("Of(self) = %+v, want one process with threads, memory and descriptors", after)
	}
}

func TestOfMeasuresAProcessOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to start a process as another user")
	}
	command := exec.Command("sleep", "60")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	if err := command.Start(); err != nil {
		t.Skipf("cannot start sleep: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	if got := Of([]int{command.Process.Pid}); got.Processes != 1 || got.Threads != 1 || got.Resident == 0 {
		t.Errorf("Of = %+v, want one process with one thread and memory", got)
	}
}

func TestL22SharedPagesCountOnceAgainstALimit(t *testing.T) {
	page := int64(os.Getpagesize())
	rollup := func(pss string) string {
		return "55b115f7e000-7ffd2347d000 ---p 00000000 00:00 0                          [rollup]\nRss:              165000 kB\nPss:" + pss + "\nPss_Dirty:           116 kB\n"
	}
	proc := fixture(t, map[string]string{
		"10/statm": "500 1000 10 1 0 5 0\n", "10/smaps_rollup": rollup("               28000 kB"),
		"11/statm": "500 1000 10 1 0 5 0\n", "11/smaps_rollup": rollup("                1000 kB"),
		"12/statm": "500 12 10 1 0 5 0\n", // of another user: its rollup cannot be read
		"13/statm": "500 13 10 1 0 5 0\n", "13/smaps_rollup": rollup(" many kB"),
		"14/statm": "500 14 10 1 0 5 0\n", "14/smaps_rollup": "",
	})
	if got, want := proportional(proc, []int{10, 11, 12, 13, 14, 99}), int64(29000<<10)+39*page; got != want {
		t.Errorf("proportional = %d, want %d", got, want)
	}
	self := []int{os.Getpid()}
	const told = 1 << 40 // what was measured before
	for limit, asks := range map[int64]bool{0: false, told: false, told - 1: true} {
		if got := Memory(self, told, limit); (got != told) != asks || got <= 0 {
			t.Errorf("Memory with a limit of %d = %d, want the proportional size: %v", limit, got, asks)
		}
	}
}

func FuzzParseRollup(f *testing.F) {
	f.Add("00400000-7ffd ---p 00000000 00:00 0 [rollup]\nRss:  10 kB\nPss:  366 kB\nPss_Anon: 1 kB\n")
	f.Add("Pss: 9223372036854775807 kB\n")
	f.Fuzz(func(t *testing.T, text string) {
		if size, found := parseRollup([]byte(text)); size < 0 || !found && size != 0 {
			t.Errorf("parseRollup(%q) = %d, %v", text, size, found)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	pids := []int{os.Getpid()}
	for b.Loop() {
		Of(pids)
	}
}

func BenchmarkResident(b *testing.B) {
	pids := []int{os.Getpid()}
	for b.Loop() {
		Resident(pids)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("11391 (cat) R 11385 11385 9083 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 1 0 123367 3133440 395")
	f.Add("1 (a) b) S 1")
	f.Add(fmt.Sprintf("1 (x) S 1 2 3 0 -1 4194304 99 0 0 0 %[1]d %[1]d %[1]d %[1]d 20 0 7 0", maxTicks))
	f.Fuzz(func(t *testing.T, text string) {
		if s, ok := parseStat([]byte(text)); ok && (s.cpu < 0 || s.threads < 0) {
			t.Errorf("parseStat(%q) = %+v, want nothing negative", text, s)
		}
	})
}
