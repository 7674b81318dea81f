const http = require('http');
http.createServer((request, response) => response.end('worker ' + process.env.NODE_APP_INSTANCE))
  .listen(process.env.PORT, '127.0.0.1');
