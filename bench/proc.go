package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// memoryUse is a process's memory, in MB.
type memoryUse struct {
	resident  float64 // Rss
	private   float64 // Private_Clean and Private_Dirty: what no other process maps
	anonymous float64 // Anonymous: of no file
}

// memoryOf reads what a process has in memory now.
func memoryOf(pid int) (memoryUse, error) {
	text, err := os.ReadFile(procPath(pid, "smaps_rollup"))
	if err != nil {
		return memoryUse{}, fmt.Errorf("memory of process: %w", err)
	}
	var use memoryUse
	var dirty float64
	for name, into := range map[string]*float64{
		"Rss": &use.resident, "Private_Clean": &use.private, "Private_Dirty": &dirty, "Anonymous": &use.anonymous,
	} {
		if *into, err = kilobytes(text, name); err != nil {
			return memoryUse{}, err
		}
	}
	use.private += dirty
	return use, nil
}

// peakOf reads the most that a process has ever had in memory, in MB. The
// maxrss of wait4(2) will not do: it counts the parent's memory at vfork.
func peakOf(pid int) (float64, error) {
	text, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		return 0, fmt.Errorf("peak memory of process: %w", err)
	}
	return kilobytes(text, "VmHWM")
}

// kilobytes finds a line such as "VmHWM:  1234 kB" and returns MB of 1024 kB.
func kilobytes(text []byte, name string) (float64, error) {
	for line := range bytes.Lines(text) {
		rest, found := bytes.CutPrefix(line, []byte(name+":"))
		if !found {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(string(rest)), " kB"), 64)
		if err != nil {
			return 0, fmt.Errorf("parse %s: %w", name, err)
		}
		return value / 1024, nil
	}
	return 0, fmt.Errorf("no line %s", name)
}

// cpuOf tells the seconds that all threads of a process have run, those that
// have ended included, by its CPU-time clock: /proc/PID/stat counts ticks of
// 10 ms. The number of the clock is made as clock_getcpuclockid(3) makes it.
func cpuOf(pid int) (float64, error) {
	const byScheduler = 2
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|byScheduler, &used); err != nil {
		return 0, fmt.Errorf("processor time of process: %w", err)
	}
	return time.Duration(used.Nano()).Seconds(), nil
}

// switchesOf adds up how often the threads of a process were put on a processor.
func switchesOf(pid int) float64 {
	paths, _ := filepath.Glob(procPath(pid, "task/*/schedstat")) // the pattern is well-formed
	var sum float64
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil {
			sum += timeslices(text)
		}
	}
	return sum
}

// timeslices is the last of the three numbers of schedstat.
func timeslices(schedstat []byte) float64 {
	fields := bytes.Fields(schedstat)
	if len(fields) != 3 {
		return 0
	}
	n, err := strconv.ParseFloat(string(fields[2]), 64)
	if err != nil {
		return 0
	}
	return n
}

func procPath(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}
