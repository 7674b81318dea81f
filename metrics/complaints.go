package metrics

import (
	"log/slog"
	"strconv"
	"sync"

	"gorun/metrics/merge"
)

// complaints tells of workers whose metrics are not had, once each until they are
// had again. A worker that misses one scrape, as it does when it is killed, is
// none. Safe for concurrent use.
type complaints struct {
	log    *slog.Logger // may be nil
	mu     sync.Mutex
	misses map[string]int // in a row, by app/instance
}

func newComplaints(log *slog.Logger) *complaints {
	return &complaints{log: log, misses: map[string]int{}}
}

// hear takes the reports of one scrape.
func (c *complaints) hear(reports []merge.Report) {
	if c.log == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := make(map[string]int, len(reports))
	for _, r := range reports {
		worker := r.App + "/" + strconv.Itoa(r.Instance)
		misses := c.misses[worker]
		switch {
		case !r.Success():
			if now[worker] = misses + 1; misses == 1 {
				c.log.Warn("a worker's own metrics are left out", "worker", worker, "reason", r.Reason)
			}
		case misses > 1:
			c.log.Info("a worker's own metrics are there again", "worker", worker)
		}
	}
	c.misses = now
}
