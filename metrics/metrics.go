// Package metrics shows the supervisor's Snapshot to Prometheus, at the time
// of each scrape.
package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gorun/supervisor/status"

	dto "github.com/prometheus/client_model/go"

	"gorun/metrics/merge"
)

// Source is whoever runs the apps.
type Source interface {
	Sample() status.Snapshot
}

// Options is what Handler shows. Only Source is needed.
type Options struct {
	Source  Source
	Workers Workers                   // nil: the workers' own metrics are not asked for
	Signals func() map[string]uint64  // received so far, by name: SIGTERM
	Live    func() (live, ready bool) // what /livez and /readyz say
	Build   Build
	Log     *slog.Logger // told when a scrape is not complete
}

// Build is what gorun_build_info tells.
type Build struct{ Version, Revision, GoVersion string }

// maxScrapes is how many scrapes are answered at a time.
const maxScrapes = 4

// Handler serves everything in the text format 0.0.4 or in OpenMetrics, as
// the client prefers. Scrapes at the same time share one Sample.
func Handler(o Options) http.Handler {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		newCollector(o),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			panic("metrics: " + err.Error()) // two families of our own contradict each other
		}
	}
	own := unambiguous{registry}
	return readOnly(&pages{
		options: o, gorun: own, merger: merge.New(merge.Options{}), places: make(chan struct{}, maxScrapes),
		complaints: newComplaints(o.Log),
		self: promhttp.HandlerFor(own, promhttp.HandlerOpts{
			ErrorLog:            incomplete{o.Log},
			ErrorHandling:       promhttp.ContinueOnError,
			MaxRequestsInFlight: maxScrapes,
			CoalesceGather:      true,
			EnableOpenMetrics:   true,
		}),
	})
}

// unambiguous leaves out the gauge go_memstats_alloc_bytes. In OpenMetrics,
// where a family's name has no _total, the counter beside it has the same
// name; and go_memstats_heap_alloc_bytes has the same value.
type unambiguous struct{ prometheus.Gatherer }

// Gather returns all families but that one.
func (u unambiguous) Gather() ([]*dto.MetricFamily, error) {
	families, err := u.Gatherer.Gather()
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool {
		return f.GetName() == "go_memstats_alloc_bytes"
	}), err
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

// incomplete logs what was left out of a scrape.
type incomplete struct{ log *slog.Logger }

// Println is how promhttp reports errors.
func (i incomplete) Println(v ...any) {
	if i.log != nil {
		i.log.Warn("metrics not served in full", "error", fmt.Sprint(v...))
	}
}
