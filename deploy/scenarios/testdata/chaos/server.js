// Serves an address as any Node program would, and answers with its pid:
// NETWORK ADDRESS [await=FIFO] [ready=FIFO|ready=never]. See the worker's share.go.
'use strict';
const fs = require('fs');

const [network, address, ...options] = process.argv.slice(2);
let saysReady;
for (const option of options) {
  const [name, value] = option.split('=');
  if (name === 'await') {
    console.log('waits ' + process.pid);
    fs.readFileSync(value.replace('{}', process.env.NODE_APP_INSTANCE));
  } else if (name === 'ready') saysReady = value;
  else throw new Error('unknown ' + option);
}

const colon = address.lastIndexOf(':');
const host = address.slice(0, colon).replace(/[[\]]/g, '') || undefined;
const port = Number(address.slice(colon + 1));

if (network === 'udp') echo();
else if (network !== 'none') serve();
else setInterval(() => {}, 3600e3);

function serve() {
  const http = require('http');
  const server = http.createServer((request, response) => {
    const pause = /^\/(\d+)ms$/.exec(request.url);
    const answer = () => response.end(`pid ${process.pid}\n`);
    if (pause) setTimeout(answer, Number(pause[1]));
    else answer();
  });
  if (network === 'unix') server.listen(address, listening);
  else server.listen(port, host, listening);
}

function echo() {
  const socket = require('dgram').createSocket('udp4');
  socket.on('message', (message, from) => socket.send(`pid ${process.pid} ${message}`, from.port, from.address));
  socket.bind(port, host, listening);
}

function listening() {
  const at = this.address();
  console.log('listening ' + (at.port || at));
  if (saysReady && saysReady !== 'never') fs.readFile(saysReady, () => process.send('ready'));
}
