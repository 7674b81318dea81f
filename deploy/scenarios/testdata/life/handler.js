// Serves $PORT by $FRAMEWORK (http, express or fastify), and does at its stop signal what $HANDLER says. Each life writes what it
// did to $RECORD: start, handler, exit.
'use strict';
const fs = require('fs');
const http = require('http');

const note = (what) => fs.appendFileSync(process.env.RECORD, `${what} ${process.pid}\n`);
note('start');
process.on('exit', () => note('exit'));

const text = () => `pid ${process.pid}\n`;
const soon = (answer) => setTimeout(answer, 5);
let server;
let close = (then) => server.close(then);
switch (process.env.FRAMEWORK) {
  case 'express': {
    const app = require('express')();
    app.all('/', (request, response) => soon(() => response.send(text())));
    server = http.createServer(app);
    break;
  }
  case 'fastify': {
    const app = require('fastify')();
    app.all('/', async () => { await new Promise(soon); return text(); });
    app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
    close = (then) => app.close().then(() => then && then(), then);
    break;
  }
  default:
    server = http.createServer((request, response) => soon(() => response.end(text())));
}
const handlers = {
  exit: () => process.exit(0),
  close: () => close((err) => { note(err ? err.code : 'closed'); process.exit(0); }),
  'loop runs empty': () => close(),
  queue: () => clearInterval(poll),
};
const handler = handlers[process.env.HANDLER];
if (handler) for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { note('handler'); handler(); });
let poll;
if (process.env.HANDLER === 'queue') poll = setInterval(() => {}, 20);
else if (server) server.listen(Number(process.env.PORT), '127.0.0.1');
