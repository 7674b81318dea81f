package usage

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// GCPercent is the value for debug.SetGCPercent. It keeps a supervisor of a few workers,
// which mostly sleeps, small. With many workers a scrape makes megabytes of garbage:
// collecting it twice would take as long as the scrape.
func GCPercent(workers int) int {
	const least, perWorker, most = 40, 5, 200
	return min(least+perWorker*max(workers-4, 0), most)
}

// Trim releases the memory that only the start of this process needed: free heap, and
// the pages of the program file, which the kernel would count for as long as the process
// lives. Pages that are used again are read from the file, see MADV_DONTNEED in
// madvise(2).
func Trim() error {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("trim memory: %w", err)
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("trim memory: %w", err)
	}
	for _, m := range programMaps(string(text), program) {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("trim memory: madvise: %w", errno)
		}
	}
	return nil
}

// mapped is a range of the address space.
type mapped struct{ start, end uintptr }

// programMaps finds in /proc/PID/maps the read-only private mappings of the program
// file: memory and file are the same.
func programMaps(text, program string) []mapped {
	var found []mapped
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 6)
		if len(fields) < 6 || strings.TrimLeft(fields[5], " ") != program || !strings.HasPrefix(fields[1], "r-") || !strings.HasSuffix(fields[1], "p") {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, startErr := strconv.ParseUint(from, 16, 64)
		end, endErr := strconv.ParseUint(to, 16, 64)
		if startErr == nil && endErr == nil && start < end {
			found = append(found, mapped{uintptr(start), uintptr(end)})
		}
	}
	return found
}
