package metrics

// nodeFamilies are the figures that Node workers report.
var nodeFamilies = [...]family[worker]{
	{"gorun_worker_event_loop_delay_seconds", "Delay of Node's event loop: quantiles of the last second, sum and count over all restarts.", gauge, nil, func(w worker, e emitter) {
		var quantiles map[float64]float64
		if v := w.Vitals; v != nil {
			quantiles = map[float64]float64{.5: v.P50, .95: v.P95, .99: v.P99}
		}
		if w.Vitals != nil || w.Totals.Ticks > 0 {
			e.summary(w.Totals.Ticks, w.Totals.Delay, quantiles)
		}
	}},
	{"gorun_worker_heap_bytes", "JavaScript heap in use.", gauge, nil, func(w worker, e emitter) {
		if w.Vitals != nil {
			e.value(float64(w.Vitals.HeapUsed))
		}
	}},
	{"gorun_worker_heap_reserved_bytes", "JavaScript heap that Node has reserved, used or not.", gauge, nil, func(w worker, e emitter) {
		if w.Vitals != nil {
			e.value(float64(w.Vitals.HeapReserved))
		}
	}},
	{"gorun_worker_heap_limit_bytes", "JavaScript heap size at which Node aborts.", gauge, nil, func(w worker, e emitter) {
		if w.Vitals != nil {
			e.value(float64(w.Vitals.HeapLimit))
		}
	}},
	{"gorun_worker_active_handles", "Active handles of Node's event loop: sockets, servers, child processes, and its own IPC channel.", gauge, nil, func(w worker, e emitter) {
		if w.Vitals != nil {
			e.value(float64(w.Vitals.Handles))
		}
	}},
	{"gorun_worker_active_requests", "Asynchronous requests that Node has under way.", gauge, nil, func(w worker, e emitter) {
		if w.Vitals != nil {
			e.value(float64(w.Vitals.Requests))
		}
	}},
	{"gorun_worker_gc_pause_seconds_total", "Time that Node spent in garbage collection, over all restarts.", counter, nil, func(w worker, e emitter) {
		if w.Vitals != nil || w.Totals.Ticks > 0 {
			e.value(w.Totals.Pause)
		}
	}},
	{"gorun_worker_gc_pauses_total", "Garbage collections of Node, over all restarts.", counter, nil, func(w worker, e emitter) {
		if w.Vitals != nil || w.Totals.Ticks > 0 {
			e.value(float64(w.Totals.Pauses))
		}
	}},
	{"gorun_worker_custom", "Metrics that the app reports through @pm2/io, in their own units.", gauge, []string{"name", "unit"}, func(w worker, e emitter) {
		for _, c := range w.Custom {
			e.value(c.Value, c.Name, c.Unit)
		}
	}},
}
