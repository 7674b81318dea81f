// Answers with its pid on $PORT: / at once, /1500ms after so long, /eat when it
// has taken much memory. $START, in ms, is what it takes to listen; $CRASH is
// its last word. testdata/release and wsgi.py do the same.
'use strict';
const http = require('http');

if (process.env.CRASH) {
  console.error(process.env.CRASH);
  process.exit(3);
}
const kept = [];
const server = http.createServer((request, response) => {
  if (request.url === '/eat') kept.push(Buffer.alloc(450 << 20, 1));
  const pause = /^\/(\d+)ms$/.exec(request.url);
  setTimeout(() => response.end(`pid ${process.pid}\n`), pause ? Number(pause[1]) : 0);
});
setTimeout(() => server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log('listening ' + process.pid);
  console.error('complaining ' + process.pid);
}), Number(process.env.START || 0));

if (process.env.GRACEFUL) process.on('SIGINT', () => server.close(() => process.exit(0)));

// As a program that uses @pm2/io would.
process.on('message', (message) => {
  console.log('message ' + JSON.stringify(message));
  const action = message.msg || message;
  if (action === 'greet') process.send({type: 'axm:reply', data: {action_name: 'greet', return: 'hello ' + (message.opts || '')}});
});
if (process.send) process.send({type: 'axm:action', data: {action_name: 'greet'}});
process.on('SIGUSR2', () => console.log('got SIGUSR2'));
