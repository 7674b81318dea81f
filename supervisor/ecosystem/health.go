package ecosystem

import (
	"slices"
	"strings"
	"time"

	"gorun/health"
	"gorun/supervisor/spec"
)

// healthKeys say how workers are seen to be well, and what they tell of
// themselves.
var healthKeys = [...]Key{
	{Name: "health", Kind: Mixed, Doc: "Health check of each worker: a path, or {http: /healthz}, {http: {path, port, scheme, method, headers, status}}, {tcp: 3000}, {exec: [./check.sh]}, with interval (10s), timeout (2s), retries (3), start_period (30s), on_failure (restart or unready)."},
	{Name: "watchdog", Kind: Duration, Doc: "Restarts a worker that has not said WATCHDOG=1 by sd_notify for so long.", set: into((*report).duration, func(a *spec.App) *time.Duration { return &a.Watchdog })},
	{Name: "metrics", Kind: Mixed, Doc: "Serves the workers' own metrics with gorun's: a path, or {path: /metrics} with port, aggregate (false), rules ({jobs: max}), timeout (2s); {ipc: true} instead of path asks the AggregatorRegistry of Node's prom-client, which needs no route."},
	{Name: "node_metrics", Aliases: []string{"pmx"}, Kind: Bool, Default: "false", Doc: "Reports the event loop, heap, handles and garbage collection of workers that node (18.18 or newer) runs itself.", set: into((*report).bool, func(a *spec.App) *bool { return &a.NodeMetrics })},
}

// healthCheck reads the app's own health check.
func (d *draft) healthCheck() {
	s := d.setting("health")
	if !s.given() || s.value.kind == boolean && !d.report.bool(s) {
		return
	}
	check := health.Defaults()
	if s.value.kind == text {
		check.HTTP = &health.HTTPCheck{Path: s.value.text}
	} else {
		for _, e := range d.report.entriesOf(s, "health: {http: /healthz}") {
			d.healthEntry(&check, s.inner(e), e.key)
		}
	}
	if err := check.Valid(); err != nil {
		d.report.wrong(s, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	d.app.Health = &check
}

func (d *draft) healthEntry(check *health.Check, s setting, key string) {
	r := d.report
	switch strings.ToLower(strings.ReplaceAll(key, "_", "")) {
	case "http":
		check.HTTP = d.httpCheck(s)
	case "tcp":
		check.TCP = &health.TCPCheck{Port: int(r.between(s, 1, 65535))}
	case "exec":
		check.Exec = d.execCheck(s)
	case "interval":
		check.Interval = r.duration(s)
	case "timeout":
		check.Timeout = r.duration(s)
	case "retries":
		check.Retries = int(r.between(s, 1, 1000))
	case "startperiod":
		check.StartPeriod = r.duration(s)
	case "onfailure":
		check.OnFailure = health.Action(r.oneOf(s, health.Restart.String(), health.Unready.String()))
	default:
		d.strange(s, key, "http", "tcp", "exec", "interval", "timeout", "retries", "start_period", "on_failure")
	}
}

// execCheck reads a command line, and finds its program.
func (d *draft) execCheck(s setting) []string {
	words := d.report.words(s)
	if len(words) == 0 || words[0] == "" {
		return nil
	}
	program, found := d.command(words[0])
	if !found {
		d.report.wrong(s, "%s is not found%s; write its path", quote(words[0]), d.searched(words[0]))
		return words
	}
	return append([]string{program}, words[1:]...)
}

func (d *draft) httpCheck(s setting) *health.HTTPCheck {
	check := &health.HTTPCheck{}
	if s.value.kind != mapping {
		check.Path = d.report.text(s)
		return check
	}
	for _, e := range s.value.entries {
		of, r := s.inner(e), d.report
		switch strings.ToLower(e.key) {
		case "path":
			check.Path = r.text(of)
		case "port":
			check.Port = int(r.between(of, 1, 65535))
		case "scheme":
			check.Scheme = health.Scheme(r.oneOf(of, health.Plain.String(), health.TLS.String()))
		case "method":
			check.Method = r.text(of)
		case "status":
			ranges, err := health.ParseStatus(r.text(of))
			if err != nil {
				r.wrong(of, "%v", err)
			}
			check.Status = ranges
		case "headers":
			check.Headers = map[string]string{}
			for _, header := range r.entriesOf(of, "headers: {Host: example.org}") {
				check.Headers[header.key] = r.text(of.inner(header))
			}
		default:
			d.strange(of, e.key, "path", "port", "scheme", "method", "headers", "status")
		}
	}
	return check
}

// ownMetrics reads how the workers' own metrics are served.
func (d *draft) ownMetrics() {
	s := d.setting("metrics")
	if !s.given() || s.value.kind == boolean && !d.report.bool(s) {
		return
	}
	m := &spec.Metrics{}
	switch s.value.kind {
	case text:
		m.Path = s.value.text
	case boolean:
		m.Path = "/metrics"
	default:
		for _, e := range d.report.entriesOf(s, "metrics: {path: /metrics}") {
			d.metricsEntry(m, s.inner(e), e.key)
		}
	}
	switch {
	case m.IPC && (m.Path != "" || m.Port != 0):
		d.report.wrong(s, "ipc takes neither path nor port: the workers are asked over their IPC channel")
	case m.IPC && !d.app.Node:
		d.report.wrong(s, "ipc is for scripts that node runs itself; name the path that they are served at, as in metrics: {path: /metrics}")
	case !m.IPC && !strings.HasPrefix(m.Path, "/"):
		d.report.wrong(s, "name the path that they are served at, as in metrics: {path: /metrics}")
	default:
		d.app.Metrics = m
	}
}

func (d *draft) metricsEntry(m *spec.Metrics, s setting, key string) {
	r := d.report
	switch strings.ToLower(key) {
	case "path":
		m.Path = r.text(s)
	case "port":
		m.Port = int(r.between(s, 1, 65535))
	case "ipc":
		m.IPC = r.bool(s)
	case "aggregate":
		m.Aggregate = r.bool(s)
	case "timeout":
		m.Timeout = r.duration(s)
	case "rules":
		m.Rules = map[string]string{}
		choices := []string{"sum", "min", "max", "avg", "first"}
		for _, e := range r.entriesOf(s, "rules: {jobs: max}") {
			m.Rules[e.key] = choices[r.oneOf(s.inner(e), choices...)]
		}
	default:
		d.strange(s, key, "path", "port", "ipc", "aggregate", "rules", "timeout")
	}
}

// strange reports a key that a mapping does not have.
func (d *draft) strange(s setting, key string, known ...string) {
	slices.Sort(known)
	d.report.mistake(s.at, "%s: there is no key %s; it has %s%s", strings.TrimSuffix(s.name, "."+key), quote(key), strings.Join(known, ", "), didYouMean(key, known))
}
