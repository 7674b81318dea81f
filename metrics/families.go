package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"gorun/metrics/merge"
	"gorun/supervisor/status"
)

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// global is the source of the families about gorun itself.
type global struct {
	*status.Snapshot
	options     *Options
	live, ready bool // if options.Health is given
}

// worker is the source of the families about one worker.
type worker struct {
	app *status.App
	*status.Worker
}

var globalFamilies = [...]family[global]{
	{"gorun_build_info", "Version of gorun; the value is always 1.", gauge, []string{"version", "revision", "goversion"}, func(g global, e emitter) {
		e.value(1, g.options.Build.Version, g.options.Build.Revision, g.options.Build.GoVersion)
	}},
	{"gorun_live", "Whether /livez answers 200.", gauge, nil, func(g global, e emitter) {
		if g.options.Health != nil {
			e.boolean(g.live)
		}
	}},
	{"gorun_ready", "Whether /readyz answers 200.", gauge, nil, func(g global, e emitter) {
		if g.options.Health != nil {
			e.boolean(g.ready)
		}
	}},
	{"gorun_shutting_down", "Whether gorun is shutting down.", gauge, nil, func(g global, e emitter) {
		e.boolean(g.ShuttingDown)
	}},
	{"gorun_config_reloads_total", "Reloads of the ecosystem file, failed ones included.", counter, nil, func(g global, e emitter) {
		e.value(float64(g.Config.Reloads))
	}},
	{"gorun_config_reload_failures_total", "Reloads of the ecosystem file in which something failed.", counter, nil, func(g global, e emitter) {
		e.value(float64(g.Config.Failures))
	}},
	{"gorun_config_last_reload_success_timestamp_seconds", "Unix time at which the ecosystem file was last loaded successfully.", gauge, nil, func(g global, e emitter) {
		e.timestamp(g.Config.Loaded)
	}},
	{"gorun_signals_received_total", "Signals that gorun received.", counter, []string{"signal"}, func(g global, e emitter) {
		if g.options.Signals == nil {
			return
		}
		for name, n := range g.options.Signals() {
			e.value(float64(n), name)
		}
	}},
	{"gorun_orphans_reaped_total", "Orphaned processes that gorun reaped.", counter, nil, func(g global, e emitter) {
		e.value(float64(g.OrphansReaped))
	}},
	{"gorun_cgroup_memory_usage_bytes", "Memory used by the container's cgroup, page cache included.", gauge, nil, func(g global, e emitter) {
		e.positive(float64(g.Group.MemoryUsage))
	}},
	{"gorun_cgroup_memory_limit_bytes", "Memory limit of the container's cgroup; absent without a limit.", gauge, nil, func(g global, e emitter) {
		e.positive(float64(g.Group.MemoryLimit))
	}},
	{"gorun_cgroup_oom_kills_total", "Processes of the container's cgroup that the OOM killer killed.", counter, nil, func(g global, e emitter) {
		e.value(float64(g.Group.OOMKills))
	}},
	{"gorun_cgroup_cpu_limit_cores", "CPU limit of the container's cgroup; absent without a limit.", gauge, nil, func(g global, e emitter) {
		e.positive(g.Group.CPULimit)
	}},
	{"gorun_cgroup_cpu_throttled_seconds_total", "Time for which the CPU limit throttled the container's cgroup.", counter, nil, func(g global, e emitter) {
		e.value(g.Group.Throttled.Seconds())
	}},
}

var appFamilies = [...]family[*status.App]{
	{"gorun_app_info", "How the app is run; the value is always 1.", gauge, []string{"namespace", "mode", "sharing", "interpreter", "script"}, func(a *status.App, e emitter) {
		e.value(1, a.Namespace, a.Mode, a.Sharing, a.Interpreter, a.Script)
	}},
	{"gorun_app_workers_desired", "Workers that should be running.", gauge, nil, func(a *status.App, e emitter) {
		e.value(float64(a.Desired))
	}},
	{"gorun_app_workers", "Workers in each state.", gauge, []string{"state"}, func(a *status.App, e emitter) {
		var in [len(status.States)]int
		for i := range a.Workers {
			in[a.Workers[i].State]++
		}
		for _, state := range status.States {
			e.value(float64(in[state]), state.String())
		}
	}},
	{"gorun_port_queue_length", "Connections in the worker's accept queue.", gauge, []string{"address", "worker"}, func(a *status.App, e emitter) {
		for _, port := range a.Ports {
			e.value(float64(port.Length), port.Address, strconv.Itoa(port.Instance))
		}
	}},
	{"gorun_port_queue_limit", "Maximum length of the worker's accept queue.", gauge, []string{"address", "worker"}, func(a *status.App, e emitter) {
		for _, port := range a.Ports {
			e.value(float64(port.Limit), port.Address, strconv.Itoa(port.Instance))
		}
	}},
	{"gorun_port_relayed_connections_total", "Connections that gorun relayed to another worker because their own was gone.", counter, []string{"address"}, func(a *status.App, e emitter) {
		for _, relay := range a.Relays {
			e.value(float64(relay.Connections), relay.Address)
		}
	}},
	{"gorun_worker_start_duration_seconds", "Time from the start of a worker until it was online.", gauge, nil, func(a *status.App, e emitter) {
		e.durations(a.Starts)
	}},
	{"gorun_worker_stop_duration_seconds", "Time from the stop signal until the worker had exited.", gauge, nil, func(a *status.App, e emitter) {
		e.durations(a.Stops)
	}},
	{"gorun_app_next_run_timestamp_seconds", "Unix time at which the schedule starts the app, which is at rest until then; absent otherwise.", gauge, nil, func(a *status.App, e emitter) {
		e.timestamp(a.NextRun)
	}},
	{"gorun_app_reloads_total", "Reloads of the app, failed ones included.", counter, nil, func(a *status.App, e emitter) {
		e.value(float64(a.Reloads.Done + a.Reloads.Failed))
	}},
	{"gorun_app_reload_failures_total", "Reloads of the app that failed and left old workers in place.", counter, nil, func(a *status.App, e emitter) {
		e.value(float64(a.Reloads.Failed))
	}},
	{"gorun_app_reload_duration_seconds", "Duration of successful reloads, until the last old process had exited.", gauge, nil, func(a *status.App, e emitter) {
		e.durations(a.Reloads.Times)
	}},
	{"gorun_probe_duration_seconds", "Duration of health checks.", gauge, []string{"probe"}, func(a *status.App, e emitter) {
		var all status.ProbeTimes
		for i := range a.Workers {
			all = all.Plus(a.Workers[i].Probe.Times)
		}
		if a.Probe != "" {
			e.histogram(all.Count, all.Sum, cumulative(status.ProbeBuckets[:], all.Buckets[:]), a.Probe)
		}
	}},
}

var workerFamilies = [...]family[worker]{
	{"gorun_worker_up", "Whether the worker has a process.", gauge, nil, func(w worker, e emitter) {
		e.boolean(w.Pid != 0)
	}},
	{"gorun_worker_ready", "Whether the worker is online and ready to serve.", gauge, nil, func(w worker, e emitter) {
		e.boolean(w.State == status.Online && w.Ready)
	}},
	{"gorun_worker_start_time_seconds", "Unix time at which the worker's process started; absent without a process.", gauge, nil, func(w worker, e emitter) {
		e.timestamp(w.Started)
	}},
	{"gorun_worker_starts_total", "Starts of the worker, the first included.", counter, nil, func(w worker, e emitter) {
		e.value(float64(w.Starts))
	}},
	{"gorun_worker_restarts_total", "Restarts of the worker, by reason.", counter, []string{"reason"}, func(w worker, e emitter) {
		for _, reason := range status.Reasons {
			e.value(float64(w.Restarts[reason]), reason.String())
		}
	}},
	{"gorun_worker_exits_total", "Exits of the worker's process, by outcome.", counter, []string{"outcome"}, func(w worker, e emitter) {
		for _, outcome := range status.Outcomes {
			e.value(float64(w.Exits[outcome]), outcome.String())
		}
	}},
	{"gorun_worker_last_exit_code", "Exit code of the last exit, 128+n for signal n; absent before the first exit.", gauge, nil, func(w worker, e emitter) {
		if w.LastExit != nil {
			e.value(float64(w.LastExit.Code))
		}
	}},
	{"gorun_worker_last_exit_timestamp_seconds", "Unix time of the last exit; absent before the first exit.", gauge, nil, func(w worker, e emitter) {
		if w.LastExit != nil {
			e.timestamp(w.LastExit.At)
		}
	}},
	{"gorun_worker_failed_runs_total", "Runs of a job that failed: the worker ended badly, and is not started again for that.", counter, nil, func(w worker, e emitter) {
		e.value(float64(w.FailedRuns))
	}},
	{"gorun_worker_unstable_restarts", "Unstable restarts in a row.", gauge, nil, func(w worker, e emitter) {
		e.value(float64(w.Unstable))
	}},
	{"gorun_worker_backoff_seconds", "Delay before the pending restart, or until an errored worker is tried again; 0 when none is pending.", gauge, nil, func(w worker, e emitter) {
		e.value(w.Backoff.Seconds())
	}},
	{"gorun_worker_forced_kills_total", "Stops that ended in SIGKILL, after kill_timeout.", counter, nil, func(w worker, e emitter) {
		e.value(float64(w.ForcedKills))
	}},
	{"gorun_worker_cpu_seconds_total", "CPU time used by the worker's process tree, over all restarts.", counter, nil, func(w worker, e emitter) {
		e.value(w.Usage.CPU.Seconds())
	}},
	{"gorun_worker_resident_memory_bytes", "Resident memory of the worker's process tree; above max_memory_restart, pages that its processes share are divided among them.", gauge, nil, func(w worker, e emitter) {
		e.value(float64(w.Usage.Resident))
	}},
	{"gorun_worker_memory_limit_bytes", "Memory at which the worker is restarted (max_memory_restart); absent without a limit.", gauge, nil, func(w worker, e emitter) {
		e.positive(float64(w.app.MemoryLimit))
	}},
	{"gorun_worker_open_fds", "Open file descriptors of the worker's process tree.", gauge, nil, func(w worker, e emitter) {
		e.value(float64(w.Usage.Descriptors))
	}},
	{"gorun_worker_threads", "Threads of the worker's process tree.", gauge, nil, func(w worker, e emitter) {
		e.value(float64(w.Usage.Threads))
	}},
	{"gorun_worker_processes", "Processes of the worker's process tree.", gauge, nil, func(w worker, e emitter) {
		e.value(float64(w.Usage.Processes))
	}},
	{"gorun_probe_up", "Whether the last health check of the worker succeeded; absent before the first.", gauge, []string{"probe"}, func(w worker, e emitter) {
		if w.app.Probe != "" && w.Probe.Checks > 0 {
			e.boolean(w.Probe.Up, w.app.Probe)
		}
	}},
	{"gorun_probe_checks_total", "Health checks of the worker.", counter, []string{"probe"}, func(w worker, e emitter) {
		if w.app.Probe != "" {
			e.value(float64(w.Probe.Checks), w.app.Probe)
		}
	}},
	{"gorun_probe_failures_total", "Failed health checks of the worker.", counter, []string{"probe"}, func(w worker, e emitter) {
		if w.app.Probe != "" {
			e.value(float64(w.Probe.Failures), w.app.Probe)
		}
	}},
	{"gorun_log_lines_total", "Lines that the worker wrote.", counter, []string{"stream"}, func(w worker, e emitter) {
		e.value(float64(w.Lines.OutLines), "stdout")
		e.value(float64(w.Lines.ErrLines), "stderr")
	}},
	{"gorun_log_bytes_total", "Bytes that the worker wrote.", counter, []string{"stream"}, func(w worker, e emitter) {
		e.value(float64(w.Lines.OutBytes), "stdout")
		e.value(float64(w.Lines.ErrBytes), "stderr")
	}},
}

// reportFamilies are about the last scrape of a worker's own metrics.
var reportFamilies = [...]family[merge.Report]{
	{"gorun_worker_scrape_success", "Whether the last scrape of the worker succeeded.", gauge, nil, func(r merge.Report, e emitter) {
		e.boolean(r.Success())
	}},
	{"gorun_worker_scrape_duration_seconds", "Duration of the last scrape of the worker.", gauge, nil, func(r merge.Report, e emitter) {
		e.value(r.Duration.Seconds())
	}},
	{"gorun_worker_scrape_samples", "Samples in the last scrape of the worker.", gauge, nil, func(r merge.Report, e emitter) {
		e.value(float64(r.Samples))
	}},
	{"gorun_worker_scrape_dropped_samples", "Samples of the worker that were dropped, by cause.", gauge, []string{"cause"}, func(r merge.Report, e emitter) {
		for cause, n := range r.Dropped {
			if n > 0 {
				e.value(float64(n), merge.Cause(cause).String())
			}
		}
	}},
}
