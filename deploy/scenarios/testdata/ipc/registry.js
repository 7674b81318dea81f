// Counts with the unmodified prom-client, and has no route that tells it. Answers
// with its pid on $PORT; one that is asked for /hang hangs.
'use strict';
const http = require('http');
const {AggregatorRegistry, Counter, Gauge, Histogram} = require('prom-client');

new AggregatorRegistry();
const hits = new Counter({name: 'hits_total', help: 'Requests.', labelNames: ['method']});
const size = new Gauge({name: 'cache_size', help: 'Entries.', aggregator: 'max'});
const took = new Histogram({name: 'took_seconds', help: 'Time.', buckets: [0.1, 1]});
size.set(10 + Number(process.env.NODE_APP_INSTANCE));
took.observe(0.5);
hits.inc({method: 'GET'}, 5);

http.createServer((request, response) => {
  if (request.url === '/hang') request.socket.on('close', () => { for (;;); });
  response.setHeader('Connection', 'close');
  response.end(`pid ${process.pid}\n`);
}).listen(Number(process.env.PORT), '127.0.0.1');
