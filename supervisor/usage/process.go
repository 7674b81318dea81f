// Package usage measures CPU, memory, threads and descriptors of a process tree, and
// usage and limits of the cgroup of this process. Of gopsutil it uses two calls; the
// rest is read from /proc directly, which takes fewer system calls.
package usage

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/process"
	"golang.org/x/sys/unix"

	"gorun/supervisor/status"
)

// tick is the unit of CPU times in /proc: USER_HZ, 100 on every architecture.
const tick = 10 * time.Millisecond

// Of adds up the given processes. Those that are gone are left out; a figure of another
// user's process that cannot be read counts as zero.
func Of(pids []int) status.Usage {
	return of("/proc", pids)
}

// Resident is the resident memory of the given processes in bytes, for a
// quarter of the cost of Of.
func Resident(pids []int) int64 {
	return residents("/proc", pids)
}

// Memory is what the given processes, whose resident memory is known, count for against
// a limit, in bytes; 0: none. Above it, pages that several processes share are divided
// among them (proportional set size): a server that forks before it serves would count
// them once for each child. That takes the kernel a walk through all their pages, so it
// is asked only there.
func Memory(pids []int, resident, limit int64) int64 {
	if limit == 0 || resident <= limit {
		return resident
	}
	return proportional("/proc", pids)
}

// rollupSize is above the size of /proc/PID/smaps_rollup.
const rollupSize = 4096

// proportional adds up the proportional set sizes. Where one cannot be read, as of
// another user's process, the resident memory stands for it.
func proportional(proc string, pids []int) int64 {
	ctx, buffer, sum := procContext(proc), make([]byte, rollupSize), int64(0)
	for _, pid := range pids {
		text, err := ReadInto(buffer, proc+"/"+strconv.Itoa(pid)+"/smaps_rollup")
		size, found := parseRollup(text)
		if err != nil || !found {
			size = resident(ctx, pid)
		}
		sum += size
	}
	return sum
}

// parseRollup finds the proportional set size, in bytes, in /proc/PID/smaps_rollup.
func parseRollup(text []byte) (size int64, found bool) {
	for line := range bytes.Lines(text) {
		words, isSize := bytes.CutPrefix(line, []byte("Pss:"))
		if !isSize {
			continue
		}
		kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(words), []byte("kB")))), 10, 64)
		if err != nil || kib < 0 || kib > maxKiB {
			return 0, false
		}
		return kib << 10, true
	}
	return 0, false
}

// maxKiB keeps the sum of many sizes within an int64.
const maxKiB = 1 << 40

func residents(proc string, pids []int) int64 {
	ctx, sum := procContext(proc), int64(0)
	for _, pid := range pids {
		sum += resident(ctx, pid)
	}
	return sum
}

// procContext returns a context that makes gopsutil read proc. Without it gopsutil
// reads HOST_PROC, which monitoring images set to the processes of the host.
func procContext(proc string) context.Context {
	env := make(common.EnvMap, 1)
	env[common.HostProcEnvKey] = proc
	return context.WithValue(context.Background(), common.EnvKey, env)
}

func of(proc string, pids []int) status.Usage {
	ctx, buffer := procContext(proc), make([]byte, statSize)
	var tree status.Usage
	for _, pid := range pids {
		text, err := ReadInto(buffer, proc+"/"+strconv.Itoa(pid)+"/stat")
		if err != nil {
			continue
		}
		if stat, ok := parseStat(text); ok {
			add(ctx, &tree, pid, stat)
		}
	}
	return tree
}

// statSize is above the size of /proc/PID/stat: 52 numbers and a name.
const statSize = 2048

// ReadInto reads a file that fits into the buffer, in three system calls: /proc
// is read at every exit and every scrape, and os.ReadFile takes eight.
func ReadInto(buffer []byte, path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buffer)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return buffer[:n], nil
}

// resident is the memory of one process, 0 when it is gone.
func resident(ctx context.Context, pid int) int64 {
	// The constructor of gopsutil would check whether the process exists.
	p := process.Process{Pid: int32(pid)}
	memory, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return 0
	}
	return int64(memory.RSS)
}

// stat holds the figures of /proc/PID/stat that gopsutil does not have, or reads from
// several files.
type stat struct {
	cpu     time.Duration // with that of reaped children
	threads int
	dead    bool
}

// FirstFields fills fields with the first words of a text, and returns how many it
// found. They share the text's memory.
func FirstFields(fields [][]byte, text []byte) int {
	found := 0
	for field := range bytes.FieldsSeq(text) {
		if found == len(fields) {
			break
		}
		fields[found] = field
		found++
	}
	return found
}

// Positions in /proc/PID/stat, counted from the state that follows the name.
const (
	utimeField   = 11
	cstimeField  = 14
	threadsField = 17
)

// parseStat parses /proc/PID/stat. The name in it may contain anything, spaces and
// parentheses included.
func parseStat(text []byte) (stat, bool) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, false
	}
	var fields [threadsField + 1][]byte
	if FirstFields(fields[:], text[end+1:]) < len(fields) {
		return stat{}, false
	}
	state := string(fields[0])
	s := stat{dead: state == "Z" || state == "X"}
	for _, field := range fields[utimeField : cstimeField+1] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil || ticks < 0 || ticks > maxTicks {
			return stat{}, false
		}
		s.cpu += time.Duration(ticks) * tick
	}
	threads, err := strconv.ParseInt(string(fields[threadsField]), 10, 32)
	if err != nil || threads < 0 {
		return stat{}, false
	}
	s.threads = int(threads)
	return s, true
}

// maxTicks keeps the sum of four times within a Duration: 73 years of CPU.
const maxTicks = (1<<63 - 1) / int64(tick) / 4

// add adds one process. A zombie has only its CPU time left, which its parent takes over
// when it reaps it.
func add(ctx context.Context, t *status.Usage, pid int, stat stat) {
	t.CPU += stat.cpu
	if stat.dead {
		return
	}
	t.Processes++
	t.Threads += stat.threads
	t.Resident += resident(ctx, pid)
	p := process.Process{Pid: int32(pid)}
	if descriptors, err := p.NumFDsWithContext(ctx); err == nil {
		t.Descriptors += int(descriptors)
	}
}
