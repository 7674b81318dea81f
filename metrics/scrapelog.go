package metrics

import (
	"log/slog"
	"strconv"
	"sync"

	"gorun/metrics/merge"
)

// scrapeLog logs workers whose scrapes fail, once each until a scrape succeeds
// again. The first failure in a row is not logged: a worker that is killed fails
// once. Safe for concurrent use.
type scrapeLog struct {
	log      *slog.Logger // may be nil
	mu       sync.Mutex
	failures map[string]int // in a row, by app/instance
}

func newScrapeLog(log *slog.Logger) *scrapeLog {
	return &scrapeLog{log: log, failures: map[string]int{}}
}

// record takes the reports of one scrape.
func (s *scrapeLog) record(reports []merge.Report) {
	if s.log == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := make(map[string]int, len(reports))
	for _, r := range reports {
		worker := r.App + "/" + strconv.Itoa(r.Instance)
		failures := s.failures[worker]
		switch {
		case !r.Success():
			if now[worker] = failures + 1; failures == 1 {
				s.log.Warn("cannot scrape the worker's metrics", "worker", worker, "reason", r.Reason)
			}
		case failures > 1:
			s.log.Info("the worker's metrics are scraped again", "worker", worker)
		}
	}
	s.failures = now
}
