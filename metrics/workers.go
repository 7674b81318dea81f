package metrics

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"gorun/metrics/merge"
)

// Workers are whom the workers' own metrics are asked from.
type Workers interface {
	Snapshot() status.Snapshot
	Spec(app string) *spec.App // nil: there is none of that name by now
	Dial(ctx context.Context, worker status.Target, port int) (net.Conn, error)
	AskMetrics(ctx context.Context, worker status.Target) (json.RawMessage, error) // of Node's prom-client
}

// pages serves gorun's own metrics with those of the workers.
type pages struct {
	options Options
	gorun   prometheus.Gatherer
	self    http.Handler // gorun's own alone
	merger  *merge.Merger
	places  chan struct{} // one for each scrape under way

	complaints *complaints
}

// ServeHTTP serves everything; with ?self gorun's own alone, with ?app=NAME what
// the workers of that app say.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.options.Workers == nil || r.URL.Query().Has("self") {
		p.self.ServeHTTP(w, r)
		return
	}
	snapshot := p.options.Workers.Snapshot()
	app := r.URL.Query().Get("app")
	if app != "" && !slices.ContainsFunc(snapshot.Apps, func(a status.App) bool { return a.Name == app }) {
		http.Error(w, "there is no such app", http.StatusNotFound)
		return
	}
	if !slices.ContainsFunc(snapshot.Apps, p.asked) && app == "" {
		p.self.ServeHTTP(w, r)
		return
	}
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		http.Error(w, "too many scrapes at a time", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), merge.ScrapeTimeout(r.Header))
	defer cancel()
	result := p.merger.Collect(ctx, p.apps(snapshot))
	p.complaints.hear(result.Workers)
	of := &exposition{gorun: p.gorun, result: result, app: app, open: isOpen(r.Header)}
	p.serve(of).ServeHTTP(w, r)
}

// asked tells whether the app's workers are asked for their metrics.
func (p *pages) asked(a status.App) bool { return p.config(a.Name) != nil }

func (p *pages) config(app string) *spec.Metrics {
	if conf := p.options.Workers.Spec(app); conf != nil {
		return conf.Metrics
	}
	return nil
}

func (p *pages) serve(of prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(of, promhttp.HandlerOpts{
		ErrorLog: incomplete{p.options.Log}, ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true,
	})
}

// isOpen tells whether the answer will be in OpenMetrics.
func isOpen(header http.Header) bool {
	return expfmt.NegotiateAccept(header, expfmt.NewFormat(expfmt.TypeOpenMetrics), expfmt.NewFormat(expfmt.TypeTextPlain)).FormatType() == expfmt.TypeOpenMetrics
}

// apps lists whom to ask: every worker that has a process, also one that cannot
// answer now.
func (p *pages) apps(snapshot status.Snapshot) []merge.App {
	var all []merge.App
	names := labels(snapshot.Apps)
	for i, app := range snapshot.Apps {
		config := p.config(app.Name)
		if config == nil {
			continue
		}
		one := merge.App{Name: names[i], Config: merge.Config{
			Path: config.Path, Aggregate: config.Aggregate, Timeout: config.Timeout, Rules: rules(config.Rules),
		}}
		for _, w := range app.Workers {
			if w.Pid != 0 {
				one.Workers = append(one.Workers, merge.Worker{
					Instance: w.Instance, Run: strconv.Itoa(w.Pid) + "@" + w.Started.String(),
					Fetch: p.fetch(status.Target{App: app.Name, Instance: w.Instance}, config, one.Config),
				})
			}
		}
		all = append(all, one)
	}
	return all
}

func rules(words map[string]string) map[string]merge.Rule {
	all := make(map[string]merge.Rule, len(words))
	for name, word := range words {
		all[name] = merge.Rule(word)
	}
	return all
}

// fetch asks one worker: prom-client over the IPC channel, or else by HTTP, on a
// connection of its own, through no proxy, without following redirects.
func (p *pages) fetch(target status.Target, from *spec.Metrics, config merge.Config) merge.Fetch {
	if from.IPC {
		return func(ctx context.Context) (merge.Answer, error) {
			message, err := p.options.Workers.AskMetrics(ctx, target)
			return merge.Answer{Body: message, ContentType: "application/json"}, err //nolint:wrapcheck // it says what was attempted
		}
	}
	port := from.Port
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return p.options.Workers.Dial(ctx, target, port)
		},
	}
	host := "localhost"
	if port != 0 {
		host = net.JoinHostPort(host, strconv.Itoa(port))
	}
	return merge.HTTP(transport.RoundTrip, "http://"+host+config.Path, config)
}

// exposition gathers for one request.
type exposition struct {
	gorun  prometheus.Gatherer
	result merge.Result
	app    string // "": all of them, and gorun's own
	open   bool   // OpenMetrics is asked for
	mu     sync.Mutex
}

// Gather implements prometheus.Gatherer.
func (s *exposition) Gather() ([]*dto.MetricFamily, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.app != "" {
		return s.only(), nil
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(asking(s.result.Workers)); err != nil {
		return nil, err //nolint:wrapcheck // a contradiction in this package
	}
	families, err := prometheus.Gatherers{s.gorun, registry}.Gather()
	families, _ = merge.Combine(families, s.result.Families)
	if s.open {
		families = merge.Unambiguous(families)
	}
	return families, err //nolint:wrapcheck // promhttp logs it
}

// only leaves the samples of one app.
func (s *exposition) only() []*dto.MetricFamily {
	var left []*dto.MetricFamily
	for _, family := range s.result.Families {
		one := &dto.MetricFamily{Name: family.Name, Help: family.Help, Type: family.Type, Unit: family.Unit}
		for _, metric := range family.Metric {
			if slices.ContainsFunc(metric.Label, func(l *dto.LabelPair) bool { return l.GetName() == "app" && l.GetValue() == s.app }) {
				one.Metric = append(one.Metric, metric)
			}
		}
		if len(one.Metric) > 0 {
			left = append(left, one)
		}
	}
	if s.open {
		return merge.Unambiguous(left)
	}
	return left
}

// asking tells how the workers have answered.
type asking []merge.Report

var answerFamilies = [...]family[merge.Report]{
	{"gorun_worker_scrape_success", "Whether the worker's own metrics were had.", gauge, nil, func(r merge.Report, s sink) {
		s.put(number(r.Success()))
	}},
	{"gorun_worker_scrape_duration_seconds", "Time that the worker took to tell its own metrics.", gauge, nil, func(r merge.Report, s sink) {
		s.put(r.Duration.Seconds())
	}},
	{"gorun_worker_scrape_samples", "Samples that the worker has told.", gauge, nil, func(r merge.Report, s sink) {
		s.put(float64(r.Samples))
	}},
	{"gorun_worker_scrape_dropped_samples", "What the worker has told and is not served, if there is any.", gauge, []string{"cause"}, func(r merge.Report, s sink) {
		for cause, n := range r.Dropped {
			if n > 0 {
				s.put(float64(n), merge.Cause(cause).String())
			}
		}
	}},
}

// Describe implements prometheus.Collector: it is collected once, unchecked.
func (asking) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (a asking) Collect(to chan<- prometheus.Metric) {
	families := describe(answerFamilies[:], "app", "worker")
	for _, report := range a {
		collect(families, report, to, report.App, strconv.Itoa(report.Instance))
	}
}
