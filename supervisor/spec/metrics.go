package spec

import "time"

// Metrics is how the workers' own metrics are scraped and served.
type Metrics struct {
	Path      string
	Port      int               // 0: the app's
	IPC       bool              // prom-client is asked over the IPC channel, instead of Path
	Aggregate bool              // the workers are added up, instead of a label for each
	Rules     map[string]string // sum, min, max, avg or first, by a gauge's name or a pattern of path.Match: the longest that matches
	Timeout   time.Duration     // for one worker's answer; 0: 2 s
}
