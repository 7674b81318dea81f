// Answers with its pid on $PORT until /sick/500, /sick/hang or /sick/deaf makes
// it sick: then with 500, not at all, or it does not listen any more. From 500
// it recovers once there is a file well. $SICK=500 has it sick from the start.
// main.go and wsgi.py do the same.
'use strict';
const fs = require('fs');
const http = require('http');

let sick = process.env.SICK;
const server = http.createServer((request, response) => {
  if (sick === '500' && fs.existsSync('well')) sick = '';
  if (sick === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (sick) response.statusCode = 500;
  const way = /^\/sick\/(\w+)$/.exec(request.url);
  if (way) return response.end(`pid ${process.pid}\n`, () => fallSick(way[1]));
  const pause = /^\/(\d+)ms$/.exec(request.url);
  setTimeout(() => response.end(`pid ${process.pid}\n`), pause ? Number(pause[1]) : 0);
});

function fallSick(way) {
  sick = way;
  if (way === 'deaf') server.close();
}

const { PORT } = process.env; // or a path
if (PORT.startsWith('/')) server.listen(PORT);
else server.listen(Number(PORT), '127.0.0.1');
setInterval(() => {}, 1000); // it lives on without a listener
