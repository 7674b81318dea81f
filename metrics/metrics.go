// Package metrics shows a snapshot of the supervisor to Prometheus, together with
// the workers' own metrics, at the time of each scrape. A page is made of one
// snapshot: its figures agree. The package starts no goroutine of its own but
// those that ask workers during a scrape.
package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Source is the supervisor.
type Source interface {
	// Sample is Snapshot with what has to be measured: usage, lines, queues.
	Sample() status.Snapshot
	Snapshot() status.Snapshot
}

// Workers reaches the workers for their own metrics.
type Workers interface {
	Spec(app string) *spec.App // nil: there is no such app any more
	Dial(ctx context.Context, worker status.Target, port int) (net.Conn, error)
	AskMetrics(ctx context.Context, worker status.Target) (json.RawMessage, error) // of Node's prom-client
}

// Options is what Handler shows. Only Source is needed.
type Options struct {
	Source  Source
	Workers Workers                                  // nil: the workers' own metrics are not served
	Signals func() map[string]uint64                 // received so far, by name: SIGTERM
	Health  func(status.Snapshot) (live, ready bool) // whether /livez and /readyz answer 200
	Build   Build
	Log     *slog.Logger // of scrapes that are not complete; may be nil
}

// Build is what gorun_build_info shows.
type Build struct{ Version, Revision, GoVersion string }

// maxScrapes is how many scrapes are answered at a time.
const maxScrapes = 4

// Handler serves all metrics in the text format 0.0.4 or in OpenMetrics, as the
// client prefers. Scrapes at the same time share one Sample.
func Handler(o Options) http.Handler {
	return readOnly(newHandler(o))
}

// readOnly refuses what does not just read.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errorLog logs what a page had to leave out.
type errorLog struct{ log *slog.Logger }

// Println is how promhttp reports errors.
func (e errorLog) Println(v ...any) {
	if e.log != nil {
		e.log.Warn("metrics page is incomplete", "error", fmt.Sprint(v...))
	}
}
