// socket.io clients that only poll, each from a loopback address of its own,
// with a connection for each request: PORT CLIENTS QUESTIONS. Prints a line of
// pids for each client, or why it could not go on.
'use strict';
const http = require('http');
const { io } = require('socket.io-client');
const [port, clients, questions] = process.argv.slice(2).map(Number);

async function client(i) {
  const agent = new http.Agent({ localAddress: `127.0.0.${i + 2}`, keepAlive: false });
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['polling'], agent, reconnection: false, forceNew: true });
  try {
    await new Promise((resolve, reject) => {
      socket.on('connect', resolve);
      socket.on('connect_error', reject);
    });
    const gone = new Promise((_, reject) => socket.on('disconnect', (why) => reject(new Error(why))));
    const pids = [];
    for (let n = 0; n < questions; n++) pids.push(await Promise.race([socket.emitWithAck('who'), gone]));
    console.log('pids ' + pids.join(' '));
  } catch (err) {
    console.log('failed: ' + err.message);
  }
  socket.removeAllListeners();
  socket.disconnect();
}

Promise.all(Array.from({ length: clients }, (_, i) => client(i))).then(() => process.exit(0));
