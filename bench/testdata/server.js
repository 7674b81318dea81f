// The smallest web server for Node: it knows nothing of a supervisor. It listens
// on the port in $PORT, of loopback only, or on the socket that it inherits.
'use strict';

const body = `hello from ${String(process.pid).padStart(7)}\n`;
const where = process.env.LISTEN_FD ? { fd: Number(process.env.LISTEN_FD) } : { host: '127.0.0.1', port: process.env.PORT };
require('node:http').createServer((_, answer) => answer.end(body)).listen(where);
