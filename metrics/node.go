package metrics

// nodeFamilies are about what Node workers report themselves.
var nodeFamilies = [...]family[worker]{
	{"gorun_worker_event_loop_delay_seconds", "How late Node's event loop was: quantiles of the last second, sum and count over all restarts.", gauge, nil, func(w worker, s sink) {
		var quantiles map[float64]float64
		if v := w.Vitals; v != nil {
			quantiles = map[float64]float64{.5: v.P50, .95: v.P95, .99: v.P99}
		}
		if w.Vitals != nil || w.Totals.Ticks > 0 {
			s.summary(w.Totals.Ticks, w.Totals.Delay, quantiles)
		}
	}},
	{"gorun_worker_heap_bytes", "JavaScript's heap that is in use, in a Node worker.", gauge, nil, func(w worker, s sink) {
		if w.Vitals != nil {
			s.put(float64(w.Vitals.HeapUsed))
		}
	}},
	{"gorun_worker_heap_reserved_bytes", "JavaScript's heap that Node has reserved, in use or not.", gauge, nil, func(w worker, s sink) {
		if w.Vitals != nil {
			s.put(float64(w.Vitals.HeapReserved))
		}
	}},
	{"gorun_worker_heap_limit_bytes", "JavaScript's heap at which Node gives up.", gauge, nil, func(w worker, s sink) {
		if w.Vitals != nil {
			s.put(float64(w.Vitals.HeapLimit))
		}
	}},
	{"gorun_worker_active_handles", "Handles that Node's event loop watches: sockets, servers, children; its own IPC channel is one.", gauge, nil, func(w worker, s sink) {
		if w.Vitals != nil {
			s.put(float64(w.Vitals.Handles))
		}
	}},
	{"gorun_worker_active_requests", "Requests to the system that Node has under way.", gauge, nil, func(w worker, s sink) {
		if w.Vitals != nil {
			s.put(float64(w.Vitals.Requests))
		}
	}},
	{"gorun_worker_gc_pause_seconds_total", "Time that Node spent on garbage collection, over all restarts.", counter, nil, func(w worker, s sink) {
		if w.Vitals != nil || w.Totals.Ticks > 0 {
			s.put(w.Totals.Pause)
		}
	}},
	{"gorun_worker_gc_pauses_total", "Garbage collections of Node, over all restarts.", counter, nil, func(w worker, s sink) {
		if w.Vitals != nil || w.Totals.Ticks > 0 {
			s.put(float64(w.Totals.Pauses))
		}
	}},
	{"gorun_worker_custom", "What the app reports by @pm2/io, in its own unit.", gauge, []string{"name", "unit"}, func(w worker, s sink) {
		for _, c := range w.Custom {
			s.put(c.Value, c.Name, c.Unit)
		}
	}},
}
