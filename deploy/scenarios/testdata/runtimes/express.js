const express = require('express');
const app = express();
app.get('/', (request, response) => response.send('worker ' + process.env.NODE_APP_INSTANCE));
app.listen(process.env.PORT);
