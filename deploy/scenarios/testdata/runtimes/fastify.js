const app = require('fastify')();
app.get('/', async () => 'worker ' + process.env.NODE_APP_INSTANCE);
app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
