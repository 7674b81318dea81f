// Reports figures by the unmodified @pm2/io, and offers an action.
'use strict';
const io = require('@pm2/io');

io.counter({name: 'Requests'}).inc(3);
io.metric({name: 'Users', unit: 'users'}).set(12.5);
io.metric({name: 'lag', value: () => '12.4ms'});
io.metric({name: 'nothing', value: () => ({no: 'number'})});
const latency = io.histogram({name: 'latency', measurement: 'mean', unit: 'ms'});
latency.update(5);
latency.update(10);
io.action('greet', (reply) => reply({hello: process.pid}));
console.log('up ' + process.pid);
setInterval(() => {}, 1 << 30); // it serves; @pm2/io alone lets it end after 3 s
