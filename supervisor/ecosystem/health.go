package ecosystem

import (
	"path"
	"strconv"
	"strings"

	"gorun/health"
	"gorun/supervisor/spec"
)

// healthKeys configure health checks and the metrics of the workers.
func healthKeys(a *spec.App) []Key {
	return []Key{
		{Name: "health", Type: healthVar(&a.Health), Doc: "Health check of each worker: exactly one of http, tcp and exec; a path alone stands for http."},
		{Name: "watchdog", Type: durationVar(&a.Watchdog), Doc: "Restarts a worker that has sent no WATCHDOG=1 by sd_notify for so long. The worker may change the time (WATCHDOG_USEC=) and expire it (WATCHDOG=trigger), also without this key."},
		{Name: "metrics", Type: metricsVar(&a.Metrics), Doc: "Serves the workers' own metrics with gorun's; a path alone, or true for /metrics, stands for path."},
		{Name: "node_metrics", Aliases: []string{"pmx"}, Type: boolVar(&a.NodeMetrics), Default: "false", Doc: "Reports the event loop, heap, handles and garbage collection of workers that node (18.18 or newer) runs itself."},
	}
}

// healthVar is the health check of an app.
func healthVar(field **health.Check) Type {
	return Type{object: func() object {
		check, byDefault := new(health.Check), health.Defaults()
		http := httpVar(&check.HTTP)
		return object{
			off: true, example: "{http: /healthz}",
			text: Type{forms: []any{ref("text")}, set: func(in scope, s setting) { http.read(in, s) }},
			keys: []Key{
				{Name: "http", Type: http, Doc: "HTTP request; a path alone stands for path."},
				{Name: "tcp", Type: tcpVar(&check.TCP), Doc: "TCP connection to this port."},
				{Name: "exec", Type: commandVar(&check.Exec), Doc: "Command that must exit 0: a list, or a string split as a shell would."},
				{Name: "interval", Type: durationVar(&check.Interval), Default: byDefault.Interval.String(), Doc: "Time from one check to the next."},
				{Name: "timeout", Type: durationVar(&check.Timeout), Default: byDefault.Timeout.String(), Doc: "Time limit of one check."},
				{Name: "retries", Type: intVar(&check.Retries, 1, 1000), Default: strconv.Itoa(byDefault.Retries), Doc: "Failures in a row that make a worker unhealthy."},
				{Name: "start_period", Type: durationVar(&check.StartPeriod), Default: byDefault.StartPeriod.String(), Doc: "Time after a start in which failures do not count."},
				{Name: "on_failure", Type: enumVar(&check.OnFailure, health.Restart.String(), health.Unready.String()), Default: byDefault.OnFailure.String(), Doc: "restart an unhealthy worker, or unready: no new connections until it recovers."},
			},
			done: func(in scope, s setting) {
				if err := check.Valid(); err != nil {
					s.wrong(in.report, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
				}
				*field = check
			},
		}
	}}
}

func httpVar(field **health.HTTPCheck) Type {
	return Type{object: func() object {
		check := new(health.HTTPCheck)
		return object{
			example: "{path: /healthz}",
			text:    textVar(&check.Path),
			keys: []Key{
				{Name: "path", Type: textVar(&check.Path), Default: "/", Doc: "With its query, if there is one."},
				{Name: "port", Type: portVar(&check.Port), Doc: "The app's port by default."},
				{Name: "scheme", Type: enumVar(&check.Scheme, health.Plain.String(), health.TLS.String()), Default: check.Scheme.String(), Doc: "http, or https without verification of the certificate."},
				{Name: "method", Type: textVar(&check.Method), Default: "GET", Doc: "Method of the request."},
				{Name: "headers", Type: headersVar(&check.Headers), Doc: "Headers of the request, Host too."},
				{Name: "status", Type: statusVar(&check.Status), Default: "200-399", Doc: "Statuses of a healthy worker, such as 200-299,418."},
			},
			done: func(scope, setting) { *field = check },
		}
	}}
}

func tcpVar(field **health.TCPCheck) Type {
	return Type{forms: portVar(nil).forms, set: func(in scope, s setting) {
		*field = new(health.TCPCheck)
		portVar(&(*field).Port).set(in, s)
	}}
}

func headersVar(field *map[string]string) Type {
	return Type{forms: []any{mapOf(ref("text"))}, set: func(in scope, s setting) {
		*field = map[string]string{}
		for _, e := range s.entriesOf(in.report, "headers: {Host: example.org}") {
			(*field)[e.key] = s.inner(e).text(in.report)
		}
	}}
}

func statusVar(field *health.StatusRanges) Type {
	return Type{forms: []any{shape{"type": []string{"integer", "string"}}}, set: func(in scope, s setting) {
		ranges, err := health.ParseStatus(s.text(in.report))
		if err != nil {
			s.wrong(in.report, "%v", err)
		}
		*field = ranges
	}}
}

// metricsVar configures the scrape of the workers' own metrics.
func metricsVar(field **spec.Metrics) Type {
	return Type{object: func() object {
		m := new(spec.Metrics)
		location := typeOf(setting.text, &m.Path, ref("path"))
		return object{
			off: true, example: "{path: /metrics}",
			text: location,
			on:   Type{set: func(scope, setting) { m.Path = "/metrics" }},
			keys: []Key{
				{Name: "path", Type: location, Doc: "Path that the workers serve them at."},
				{Name: "port", Type: portVar(&m.Port), Doc: "The app's port by default."},
				{Name: "ipc", Type: boolVar(&m.IPC), Default: "false", Doc: "Queries the AggregatorRegistry of Node's prom-client over IPC instead of a path; needs no route."},
				{Name: "aggregate", Type: boolVar(&m.Aggregate), Default: "false", Doc: "Sums the workers up instead of labelling each."},
				{Name: "rules", Type: rulesVar(&m.Rules), Doc: "Aggregation of gauges by name, as in {jobs: max}: sum, min, max, avg or first."},
				{Name: "timeout", Type: durationVar(&m.Timeout), Default: "2s", Doc: "Time limit for the answer of one worker."},
			},
			done: func(in scope, s setting) {
				switch {
				case m.IPC && (m.Path != "" || m.Port != 0):
					s.wrong(in.report, "ipc takes neither path nor port: the workers are asked over their IPC channel")
				case m.IPC && !in.node:
					s.wrong(in.report, "ipc needs a script that node runs directly; set path to where the metrics are served, as in metrics: {path: /metrics}")
				case !m.IPC && !strings.HasPrefix(m.Path, "/"):
					s.wrong(in.report, "set path to where the metrics are served, as in metrics: {path: /metrics}")
				}
				*field = m
			},
		}
	}}
}

func rulesVar(field *map[string]string) Type {
	rules := []string{"sum", "min", "max", "avg", "first"}
	return Type{forms: []any{mapOf(shape{"enum": rules})}, set: func(in scope, s setting) {
		*field = map[string]string{}
		for _, e := range s.entriesOf(in.report, "rules: {jobs: max}") {
			if _, err := path.Match(e.key, ""); err != nil {
				in.report.mistake(e.at, "%s: %s is not a name or pattern; write *, ? and [a-z], and \\ before one that stands for itself", s.name, quote(e.key))
			}
			(*field)[e.key] = rules[s.inner(e).oneOf(in.report, rules...)]
		}
	}}
}
