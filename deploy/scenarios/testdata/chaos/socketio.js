// A socket.io server: PORT. Its clients' sessions are in this process alone.
'use strict';
const server = require('http').createServer();
const { Server } = require('socket.io');
new Server(server).on('connection', (socket) => socket.on('who', (answer) => answer(process.pid)));
server.listen(Number(process.argv[2]), '127.0.0.1');
