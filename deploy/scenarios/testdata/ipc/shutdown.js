// Stops for nothing but pm2's message. With $PORT it serves its pid there, and
// finishes what it has begun.
'use strict';
const http = require('http');

process.on('SIGINT', () => console.log('got SIGINT'));
const server = http.createServer((request, response) => setTimeout(() => response.end(`pid ${process.pid}\n`), request.url === '/' ? 0 : 500));
process.on('message', (message) => {
  if (message !== 'shutdown') return;
  console.log('shutting down');
  server.close(() => process.exit(0));
});
if (process.env.PORT) server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('up'));
else console.log('up');
setInterval(() => {}, 1000);
