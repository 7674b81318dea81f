package metrics

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"gorun/metrics/merge"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// handler serves gorun's own metrics with those of the workers.
type handler struct {
	options Options
	sampler sampler
	tables  *tables
	merger  *merge.Merger
	slots   chan struct{} // one for each scrape under way
	log     *scrapeLog
}

func newHandler(o Options) *handler {
	return &handler{
		options: o, sampler: sampler{source: o.Source}, tables: newTables(), merger: merge.New(merge.Options{}),
		slots: make(chan struct{}, maxScrapes), log: newScrapeLog(o.Log),
	}
}

// ServeHTTP serves everything; with ?self gorun's own metrics alone, with ?app=NAME
// those of that app's workers.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		http.Error(w, "too many scrapes at a time", http.StatusServiceUnavailable)
		return
	}
	switch query := r.URL.Query(); {
	case h.options.Workers == nil || query.Has("self"):
		h.serve(w, r, &page{snapshot: h.sampler.sample()})
	case query.Get("app") != "":
		h.serveApp(w, r, query.Get("app"))
	default:
		snapshot := h.sampler.sample()
		h.serve(w, r, &page{snapshot: snapshot, scraped: h.scrape(r, snapshot)})
	}
}

func (h *handler) serveApp(w http.ResponseWriter, r *http.Request, app string) {
	snapshot := h.options.Source.Snapshot()
	if !slices.ContainsFunc(snapshot.Apps, func(a status.App) bool { return a.Name == app }) {
		http.Error(w, "no such app", http.StatusNotFound)
		return
	}
	h.serve(w, r, &page{snapshot: snapshot, scraped: h.scrape(r, snapshot), app: app})
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request, p *page) {
	p.options, p.tables, p.openMetrics = &h.options, h.tables, acceptsOpenMetrics(r.Header)
	promhttp.HandlerFor(p, promhttp.HandlerOpts{
		ErrorLog: errorLog{h.options.Log}, ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true,
	}).ServeHTTP(w, r)
}

// acceptsOpenMetrics is whether the answer will be in OpenMetrics.
func acceptsOpenMetrics(header http.Header) bool {
	return expfmt.NegotiateAccept(header, expfmt.NewFormat(expfmt.TypeOpenMetrics), expfmt.NewFormat(expfmt.TypeTextPlain)).FormatType() == expfmt.TypeOpenMetrics
}

// scrape asks the workers of the snapshot for their own metrics.
func (h *handler) scrape(r *http.Request, snapshot status.Snapshot) merge.Result {
	apps := h.apps(snapshot)
	if len(apps) == 0 {
		return merge.Result{}
	}
	ctx, cancel := context.WithTimeout(r.Context(), merge.ScrapeTimeout(r.Header))
	defer cancel()
	result := h.merger.Collect(ctx, apps)
	h.log.record(result.Workers)
	return result
}

// apps lists what to scrape: every worker that has a process, also one that cannot
// answer now.
func (h *handler) apps(snapshot status.Snapshot) []merge.App {
	var all []merge.App
	names := appLabels(snapshot.Apps)
	for i, app := range snapshot.Apps {
		conf := h.options.Workers.Spec(app.Name)
		if conf == nil || conf.Metrics == nil {
			continue
		}
		scraped := merge.App{Name: names[i], Config: *conf.Metrics}
		for _, w := range app.Workers {
			if w.Pid != 0 {
				scraped.Workers = append(scraped.Workers, merge.Worker{
					Instance: w.Instance, Run: strconv.Itoa(w.Pid) + "@" + w.Started.String(),
					Fetch: h.fetch(status.Target{App: app.Name, Instance: w.Instance}, *conf.Metrics),
				})
			}
		}
		all = append(all, scraped)
	}
	return all
}

// fetch asks one worker: prom-client over the IPC channel, or else by HTTP, on a
// connection of its own, through no proxy, without following redirects.
func (h *handler) fetch(target status.Target, config spec.Metrics) merge.Fetch {
	if config.IPC {
		return func(ctx context.Context) (merge.Answer, error) {
			message, err := h.options.Workers.AskMetrics(ctx, target)
			return merge.Answer{Body: message, ContentType: "application/json"}, err
		}
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return h.options.Workers.Dial(ctx, target, config.Port)
		},
	}
	host := "localhost"
	if config.Port != 0 {
		host = net.JoinHostPort(host, strconv.Itoa(config.Port))
	}
	return h.merger.HTTP(transport.RoundTrip, "http://"+host+config.Path)
}
