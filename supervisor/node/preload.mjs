// A Node worker loads this module before the app, with `node_metrics: true`: it
// sends gorun the figures of the process once a second, over the IPC channel. It
// keeps no process alive, receives no message, and is not loaded by children of the
// app.
import {PerformanceObserver, monitorEventLoopDelay} from 'node:perf_hooks';
import {getHeapStatistics} from 'node:v8';
import {isMainThread} from 'node:worker_threads';

const interval = 1000, resolution = 20; // in ms

function observe() {
  const send = process.send.bind(process);
  const total = {delay: 0, ticks: 0, pause: 0, pauses: 0}; // of this process
  new PerformanceObserver((list) => {
    for (const {duration} of list.getEntries()) {
      total.pause += duration / 1e3;
      total.pauses++;
    }
  }).observe({entryTypes: ['gc']});
  const loop = monitorEventLoopDelay({resolution});
  loop.enable();
  // The histogram has the time from tick to tick, not the delay of a tick.
  const late = (nanoseconds) => Math.max(nanoseconds / 1e9 - resolution / 1e3, 0) || 0;
  const timer = setInterval(() => {
    if (!process.connected) {
      loop.disable();
      clearInterval(timer);
      return;
    }
    const [p50, p95, p99] = [50, 95, 99].map((p) => late(loop.percentile(p)));
    total.delay += late(loop.mean) * loop.count;
    total.ticks += loop.count;
    loop.reset();
    const heap = getHeapStatistics();
    send({
      type: 'gorun:metrics', p50, p95, p99, ...total,
      used: heap.used_heap_size, reserved: heap.total_heap_size, limit: heap.heap_size_limit,
      handles: process._getActiveHandles?.().length ?? 0, requests: process._getActiveRequests?.().length ?? 0,
    }, undefined, undefined, () => {}); // an error means that gorun has ended
  }, interval);
  timer.unref();
}

// Children of the app, forked ones too, must not load this again.
const {env} = process, own = '--import ' + import.meta.url;
if (env.NODE_OPTIONS?.includes(own)) {
  env.NODE_OPTIONS = env.NODE_OPTIONS.replace(own, '').trim();
  if (env.NODE_OPTIONS === '') delete env.NODE_OPTIONS;
  try {
    if (isMainThread && process.send) observe();
  } catch {} // a Node without one of these APIs runs without metrics
}
