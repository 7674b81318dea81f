package spec

import (
	"time"
)

// Metrics says how the workers' own metrics are served.
type Metrics struct {
	Path      string
	Port      int               // 0: the app's
	IPC       bool              // prom-client is asked over the IPC channel, instead of Path
	Aggregate bool              // added up, instead of a label for each
	Rules     map[string]string // by a gauge's name, perhaps with wildcards: sum, min, max, avg, first
	Timeout   time.Duration     // for one worker's answer; 0: as package merge has it
}
