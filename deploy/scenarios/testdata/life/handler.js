// Serves $PORT, and does at its stop signal what $HANDLER says. Each life writes what it
// did to $RECORD: start, handler, exit.
'use strict';
const fs = require('fs');
const http = require('http');

const note = (what) => fs.appendFileSync(process.env.RECORD, `${what} ${process.pid}\n`);
note('start');
process.on('exit', () => note('exit'));

const server = http.createServer((request, response) => setTimeout(() => response.end(`pid ${process.pid}\n`), 5));
const handlers = {
  exit: () => process.exit(0),
  close: () => server.close((err) => { note(err ? err.code : 'closed'); process.exit(0); }),
  'loop runs empty': () => server.close(),
  queue: () => clearInterval(poll),
};
const handler = handlers[process.env.HANDLER];
if (handler) process.on('SIGINT', () => { note('handler'); handler(); });
let poll;
if (process.env.HANDLER === 'queue') poll = setInterval(() => {}, 20);
else server.listen(Number(process.env.PORT), '127.0.0.1');
