package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gorun/supervisor/status"
)

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// whole is what the families about gorun as a whole are taken from.
type whole struct {
	*status.Snapshot
	options     *Options
	live, ready bool // known if options.Live is
}

// worker is what the families about one worker are taken from.
type worker struct {
	app *status.App
	*status.Worker
}

var wholeFamilies = [...]family[whole]{
	{"gorun_build_info", "What this gorun was built from.", gauge, []string{"version", "revision", "goversion"}, func(w whole, s sink) {
		s.put(1, w.options.Build.Version, w.options.Build.Revision, w.options.Build.GoVersion)
	}},
	{"gorun_live", "Whether /livez answers 200.", gauge, nil, func(w whole, s sink) {
		if w.options.Live != nil {
			s.put(number(w.live))
		}
	}},
	{"gorun_ready", "Whether /readyz answers 200.", gauge, nil, func(w whole, s sink) {
		if w.options.Live != nil {
			s.put(number(w.ready))
		}
	}},
	{"gorun_shutting_down", "Whether a stop of everything has begun.", gauge, nil, func(w whole, s sink) {
		s.put(number(w.ShuttingDown))
	}},
	{"gorun_config_reloads_total", "Times that the ecosystem file was applied anew, failures included.", counter, nil, func(w whole, s sink) {
		s.put(float64(w.Config.Reloads))
	}},
	{"gorun_config_reload_failures_total", "Times that the ecosystem file was applied anew, and something failed.", counter, nil, func(w whole, s sink) {
		s.put(float64(w.Config.Failures))
	}},
	{"gorun_config_last_reload_success_timestamp_seconds", "When the present configuration was loaded, in Unix time.", gauge, nil, func(w whole, s sink) {
		s.moment(w.Config.Loaded)
	}},
	{"gorun_signals_received_total", "Signals gorun has received.", counter, []string{"signal"}, func(w whole, s sink) {
		if w.options.Signals == nil {
			return
		}
		for name, n := range w.options.Signals() {
			s.put(float64(n), name)
		}
	}},
	{"gorun_orphans_reaped_total", "Ended processes that gorun reaped and had not started.", counter, nil, func(w whole, s sink) {
		s.put(float64(w.OrphansReaped))
	}},
	{"gorun_cgroup_memory_usage_bytes", "Memory that the container's cgroup uses, page cache included.", gauge, nil, func(w whole, s sink) {
		s.positive(float64(w.Group.MemoryUsage))
	}},
	{"gorun_cgroup_memory_limit_bytes", "Memory that the container may use; absent without a limit.", gauge, nil, func(w whole, s sink) {
		s.positive(float64(w.Group.MemoryLimit))
	}},
	{"gorun_cgroup_oom_kills_total", "Processes of the container that the kernel killed for want of memory.", counter, nil, func(w whole, s sink) {
		s.put(float64(w.Group.OOMKills))
	}},
	{"gorun_cgroup_cpu_limit_cores", "CPUs that the container may use; absent without a limit.", gauge, nil, func(w whole, s sink) {
		s.positive(w.Group.CPULimit)
	}},
	{"gorun_cgroup_cpu_throttled_seconds_total", "Time for which the CPU limit held the container back.", counter, nil, func(w whole, s sink) {
		s.put(w.Group.Throttled.Seconds())
	}},
}

var appFamilies = [...]family[*status.App]{
	{"gorun_app_info", "How the app is run.", gauge, []string{"namespace", "mode", "sharing", "interpreter", "script"}, func(a *status.App, s sink) {
		s.put(1, a.Namespace, a.Mode, a.Sharing, a.Interpreter, a.Script)
	}},
	{"gorun_app_workers_desired", "Workers that should run.", gauge, nil, func(a *status.App, s sink) {
		s.put(float64(a.Desired))
	}},
	{"gorun_app_workers", "Workers in each state.", gauge, []string{"state"}, func(a *status.App, s sink) {
		var in [len(status.States)]int
		for i := range a.Workers {
			in[a.Workers[i].State]++
		}
		for _, state := range status.States {
			s.put(float64(in[state]), state.String())
		}
	}},
	{"gorun_port_queue_length", "Connections that wait to be accepted by a worker.", gauge, []string{"address", "worker"}, func(a *status.App, s sink) {
		for _, port := range a.Ports {
			s.put(float64(port.Length), port.Address, strconv.Itoa(port.Instance))
		}
	}},
	{"gorun_port_queue_limit", "Connections that may wait to be accepted by a worker.", gauge, []string{"address", "worker"}, func(a *status.App, s sink) {
		for _, port := range a.Ports {
			s.put(float64(port.Limit), port.Address, strconv.Itoa(port.Instance))
		}
	}},
	{"gorun_port_relayed_connections_total", "Connections that gorun passed on itself, because their worker was gone.", counter, []string{"address"}, func(a *status.App, s sink) {
		for _, relay := range a.Relays {
			s.put(float64(relay.Connections), relay.Address)
		}
	}},
	{"gorun_worker_start_duration_seconds", "Time from the start of a worker to online.", gauge, nil, func(a *status.App, s sink) {
		s.histogram(a.Starts.Count, a.Starts.Sum, cumulative(status.DurationBuckets[:], a.Starts.Buckets[:]))
	}},
	{"gorun_worker_stop_duration_seconds", "Time from the stop signal to the end of a worker.", gauge, nil, func(a *status.App, s sink) {
		s.histogram(a.Stops.Count, a.Stops.Sum, cumulative(status.DurationBuckets[:], a.Stops.Buckets[:]))
	}},
	{"gorun_app_reloads_total", "Reloads of the app, failures included.", counter, nil, func(a *status.App, s sink) {
		s.put(float64(a.Reloads.Done + a.Reloads.Failed))
	}},
	{"gorun_app_reload_failures_total", "Reloads of the app that left old workers in place.", counter, nil, func(a *status.App, s sink) {
		s.put(float64(a.Reloads.Failed))
	}},
	{"gorun_app_reload_duration_seconds", "Time from a reload's begin until the last old process was gone; only of those that succeeded.", gauge, nil, func(a *status.App, s sink) {
		s.histogram(a.Reloads.Times.Count, a.Reloads.Times.Sum, cumulative(status.DurationBuckets[:], a.Reloads.Times.Buckets[:]))
	}},
	{"gorun_probe_duration_seconds", "Time that a health check took.", gauge, []string{"probe"}, func(a *status.App, s sink) {
		var all status.ProbeTimes
		for i := range a.Workers {
			all = all.Plus(a.Workers[i].Probe.Times)
		}
		if a.Probe != "" {
			s.histogram(all.Count, all.Sum, cumulative(status.ProbeBuckets[:], all.Buckets[:]), a.Probe)
		}
	}},
}

var workerFamilies = [...]family[worker]{
	{"gorun_worker_up", "Whether the worker has a process.", gauge, nil, func(w worker, s sink) {
		s.put(number(w.Pid != 0))
	}},
	{"gorun_worker_ready", "Whether the worker is online and ready to serve.", gauge, nil, func(w worker, s sink) {
		s.put(number(w.State == status.Online && w.Ready))
	}},
	{"gorun_worker_start_time_seconds", "When the worker's process was started, in Unix time; absent without a process.", gauge, nil, func(w worker, s sink) {
		s.moment(w.Started)
	}},
	{"gorun_worker_starts_total", "Starts of the worker, the first included.", counter, nil, func(w worker, s sink) {
		s.put(float64(w.Starts))
	}},
	{"gorun_worker_restarts_total", "Starts of the worker after the first, by reason.", counter, []string{"reason"}, func(w worker, s sink) {
		for _, reason := range status.Reasons {
			s.put(float64(w.Restarts[reason]), reason.String())
		}
	}},
	{"gorun_worker_exits_total", "Ends of the worker's process, by outcome.", counter, []string{"outcome"}, func(w worker, s sink) {
		for _, outcome := range status.Outcomes {
			s.put(float64(w.Exits[outcome]), outcome.String())
		}
	}},
	{"gorun_worker_last_exit_code", "Code of the last exit, 128+n for signal n; absent before the first.", gauge, nil, func(w worker, s sink) {
		if w.LastExit != nil {
			s.put(float64(w.LastExit.Code))
		}
	}},
	{"gorun_worker_last_exit_timestamp_seconds", "When the worker last ended, in Unix time; absent before the first end.", gauge, nil, func(w worker, s sink) {
		if w.LastExit != nil {
			s.moment(w.LastExit.At)
		}
	}},
	{"gorun_worker_unstable_restarts", "Restarts in a row after too short a life.", gauge, nil, func(w worker, s sink) {
		s.put(float64(w.Unstable))
	}},
	{"gorun_worker_backoff_seconds", "Delay of the pending restart, 0 when none is pending.", gauge, nil, func(w worker, s sink) {
		s.put(w.Backoff.Seconds())
	}},
	{"gorun_worker_forced_kills_total", "Stops that ended in SIGKILL because the grace was over.", counter, nil, func(w worker, s sink) {
		s.put(float64(w.ForcedKills))
	}},
	{"gorun_worker_cpu_seconds_total", "CPU time of the worker's process tree, over all restarts.", counter, nil, func(w worker, s sink) {
		s.put(w.Usage.CPU.Seconds())
	}},
	{"gorun_worker_resident_memory_bytes", "Resident memory of the worker's process tree.", gauge, nil, func(w worker, s sink) {
		s.put(float64(w.Usage.Resident))
	}},
	{"gorun_worker_memory_limit_bytes", "Memory at which the worker is restarted; absent without a limit.", gauge, nil, func(w worker, s sink) {
		s.positive(float64(w.app.MemoryLimit))
	}},
	{"gorun_worker_open_fds", "Open file descriptors of the worker's process tree.", gauge, nil, func(w worker, s sink) {
		s.put(float64(w.Usage.Descriptors))
	}},
	{"gorun_worker_threads", "Threads of the worker's process tree.", gauge, nil, func(w worker, s sink) {
		s.put(float64(w.Usage.Threads))
	}},
	{"gorun_worker_processes", "Processes of the worker's process tree.", gauge, nil, func(w worker, s sink) {
		s.put(float64(w.Usage.Processes))
	}},
	{"gorun_probe_up", "Whether the last health check of the worker succeeded; absent before the first.", gauge, []string{"probe"}, func(w worker, s sink) {
		if w.app.Probe != "" && w.Probe.Checks > 0 {
			s.put(number(w.Probe.Up), w.app.Probe)
		}
	}},
	{"gorun_probe_checks_total", "Health checks of the worker.", counter, []string{"probe"}, func(w worker, s sink) {
		if w.app.Probe != "" {
			s.put(float64(w.Probe.Checks), w.app.Probe)
		}
	}},
	{"gorun_probe_failures_total", "Health checks of the worker that failed.", counter, []string{"probe"}, func(w worker, s sink) {
		if w.app.Probe != "" {
			s.put(float64(w.Probe.Failures), w.app.Probe)
		}
	}},
	{"gorun_log_lines_total", "Lines the worker has written.", counter, []string{"stream"}, func(w worker, s sink) {
		s.put(float64(w.Lines.OutLines), "stdout")
		s.put(float64(w.Lines.ErrLines), "stderr")
	}},
	{"gorun_log_bytes_total", "Bytes the worker has written.", counter, []string{"stream"}, func(w worker, s sink) {
		s.put(float64(w.Lines.OutBytes), "stdout")
		s.put(float64(w.Lines.ErrBytes), "stderr")
	}},
}

// cumulative has the counts of a histogram by their upper bounds.
func cumulative(bounds []float64, counts []uint64) map[float64]uint64 {
	buckets := make(map[float64]uint64, len(bounds))
	for i, bound := range bounds {
		buckets[bound] = counts[i]
	}
	return buckets
}

// positive passes a value on if there is one.
func (s sink) positive(value float64) {
	if value > 0 {
		s.put(value)
	}
}

// moment passes a time on if there is one.
func (s sink) moment(at time.Time) {
	if !at.IsZero() {
		s.put(float64(at.UnixMilli()) / 1e3)
	}
}

// number is how Prometheus writes a yes or no.
func number(yes bool) float64 { //nolint:revive // the bool is the value, not a choice
	if yes {
		return 1
	}
	return 0
}
