package cli

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// terminationLogLimit is how much of a termination log Kubernetes reads, in bytes.
const terminationLogLimit = 4096

// writeTerminationLog writes the reason of a failure where Kubernetes looks for
// it, in one line. It never creates the file: where there is none, nobody asked.
func (v service) writeTerminationLog(code int, reason string) {
	file, err := os.OpenFile(v.terminationLog, os.O_WRONLY|os.O_TRUNC|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer file.Close()
	line := fmt.Sprintf("gorun: exit %d: %s", code, strings.Join(strings.Fields(reason), " "))
	line = strings.ToValidUTF8(line[:min(len(line), terminationLogLimit-1)], "")
	if _, err := file.WriteString(line + "\n"); err != nil {
		v.log.Warn("cannot write the termination log", "error", err)
	}
}
