// One release of a service: the file named by $RELEASE says how it behaves. A good one
// answers with its pid on $PORT, and on $METRICS if there is one.
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const how = fs.readFileSync(process.env.RELEASE, 'utf8').trim();
const port = Number(process.env.PORT);
const later = (what) => setTimeout(what, 300);
const answer = (request, response) => {
  response.statusCode = how === 'sick' && request.url === '/healthz' ? 500 : 200;
  response.setHeader('connection', 'close');
  response.end(`pid ${process.pid}\n`);
};
const listen = (on, host, then) => {
  const server = http.createServer(answer);
  server.listen(on, host, () => then && then(server));
};

if (process.env.METRICS) listen(Number(process.env.METRICS), '127.0.0.1');
switch (how) {
  case 'good': later(() => listen(port, '127.0.0.1')); break;
  case 'elsewhere': later(() => listen(port, '0.0.0.0')); break;
  case 'metrics only': later(() => process.exit(1)); break;
  case 'unix first':
    listen(path.join(path.dirname(process.env.RELEASE), `${process.pid}.pipe`));
    later(() => process.exit(1));
    break;
  case 'never listens': setInterval(() => {}, 1000); break;
  case 'closes its server': listen(port, '127.0.0.1', (server) => server.close()); setInterval(() => {}, 1000); break;
  case 'sick': listen(port, '127.0.0.1'); break;
  case 'throws': throw new Error('no such module');
}
// A release that is to stop serving while it runs.
process.on('SIGUSR2', () => require('cluster').worker.disconnect());
setInterval(() => {}, 1000);
