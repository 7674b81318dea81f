package metrics

import (
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"gorun/metrics/merge"
	"gorun/supervisor/status"
)

// tables are all families with their descriptions, and the collectors of gorun's
// own process. They never change: all pages share them.
type tables struct {
	global  []described[global]
	apps    []described[*status.App]
	workers []described[worker]
	reports []described[merge.Report]
	process []prometheus.Collector
}

func newTables() *tables {
	return &tables{
		global:  describe(globalFamilies[:]),
		apps:    describe(appFamilies[:], "app"),
		workers: describe(slices.Concat(workerFamilies[:], nodeFamilies[:]), "app", "worker"),
		reports: describe(reportFamilies[:], "app", "worker"),
		process: []prometheus.Collector{
			collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		},
	}
}

// page is what one request is answered with. All of it is made of one snapshot.
type page struct {
	*tables
	options     *Options
	snapshot    status.Snapshot
	scraped     merge.Result // of the workers
	app         string       // whose workers' metrics alone are served; "": all, and gorun's own
	openMetrics bool
}

// Gather implements prometheus.Gatherer.
func (p *page) Gather() ([]*dto.MetricFamily, error) {
	var err error
	families := p.scraped.Families
	if p.app != "" {
		families = onlyApp(families, p.app)
	} else {
		var own []*dto.MetricFamily
		own, err = p.gatherOwn()
		families = merge.Combine(own, families)
	}
	if p.openMetrics {
		families = merge.Unambiguous(families)
	}
	return families, err
}

// gatherOwn gathers gorun's own metrics, except for the gauge
// go_memstats_alloc_bytes. In OpenMetrics, where a family's name has no _total, the
// counter beside it has the same name; and go_memstats_heap_alloc_bytes has the same
// value.
func (p *page) gatherOwn() ([]*dto.MetricFamily, error) {
	registry := prometheus.NewRegistry()
	for _, c := range append(slices.Clone(p.process), p) {
		if err := registry.Register(c); err != nil {
			return nil, err // two families of gorun's own contradict each other
		}
	}
	families, err := registry.Gather()
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool {
		return f.GetName() == "go_memstats_alloc_bytes"
	}), err
}

// onlyApp leaves the samples of one app.
func onlyApp(families []*dto.MetricFamily, app string) []*dto.MetricFamily {
	var left []*dto.MetricFamily
	for _, family := range families {
		one := &dto.MetricFamily{Name: family.Name, Help: family.Help, Type: family.Type, Unit: family.Unit}
		for _, metric := range family.Metric {
			if slices.ContainsFunc(metric.Label, func(l *dto.LabelPair) bool { return l.GetName() == "app" && l.GetValue() == app }) {
				one.Metric = append(one.Metric, metric)
			}
		}
		if len(one.Metric) > 0 {
			left = append(left, one)
		}
	}
	return left
}

// Describe implements prometheus.Collector.
func (p *page) Describe(to chan<- *prometheus.Desc) {
	describeTo(p.global, to)
	describeTo(p.apps, to)
	describeTo(p.workers, to)
	describeTo(p.reports, to)
}

// Collect implements prometheus.Collector.
func (p *page) Collect(to chan<- prometheus.Metric) {
	all := global{Snapshot: &p.snapshot, options: p.options}
	if p.options.Health != nil {
		all.live, all.ready = p.options.Health(p.snapshot)
	}
	collect(p.global, all, to)
	names := appLabels(p.snapshot.Apps)
	for i := range p.snapshot.Apps {
		app := &p.snapshot.Apps[i]
		collect(p.apps, app, to, names[i])
		for j := range app.Workers {
			w := worker{app, &app.Workers[j]}
			collect(p.workers, w, to, names[i], strconv.Itoa(w.Instance))
		}
	}
	for _, report := range p.scraped.Workers {
		collect(p.reports, report, to, report.App, strconv.Itoa(report.Instance))
	}
}
