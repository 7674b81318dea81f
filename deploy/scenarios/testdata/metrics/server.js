// Answers with its pid on $PORT, and tells its metrics at /metrics in the text
// format, written by hand.
'use strict';
const http = require('http');

const bounds = [0.001, 0.01, 0.1];
const buckets = [0, 0, 0];
let requests = 0;
let seconds = 0;

function metrics() {
  return [
    '# HELP shop_requests_total Requests that were answered.',
    '# TYPE shop_requests_total counter',
    `shop_requests_total{method="GET"} ${requests}`,
    '# HELP shop_resident_bytes Resident memory.',
    '# TYPE shop_resident_bytes gauge',
    `shop_resident_bytes ${process.memoryUsage().rss}`,
    '# HELP shop_request_duration_seconds Time that a request took.',
    '# TYPE shop_request_duration_seconds histogram',
    ...bounds.map((bound, i) => `shop_request_duration_seconds_bucket{le="${bound}"} ${buckets[i]}`),
    `shop_request_duration_seconds_bucket{le="+Inf"} ${requests}`,
    `shop_request_duration_seconds_sum ${seconds}`,
    `shop_request_duration_seconds_count ${requests}`,
    '',
  ].join('\n');
}

http.createServer((request, response) => {
  if (request.url === '/metrics') {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4');
    return response.end(metrics());
  }
  const begun = performance.now();
  setTimeout(() => {
    const took = (performance.now() - begun) / 1000;
    requests += 1;
    seconds += took;
    bounds.forEach((bound, i) => { if (took <= bound) buckets[i] += 1; });
    response.end(`pid ${process.pid}\n`);
  }, 2);
}).listen(Number(process.env.PORT), '127.0.0.1');
