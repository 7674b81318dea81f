package record

import (
	"strings"

	"gorun/supervisor/sockets"
)

// hint explains the last lines of a process where it can: an address in use, and by
// whom; a Node that is too old for its preload.
func hint(tail []string, port int) string {
	for _, line := range tail {
		if strings.HasSuffix(line, "--import is not allowed in NODE_OPTIONS") {
			return "node_metrics takes Node 18.18 or newer"
		}
	}
	return sockets.ExplainInUse(tail, port)
}
