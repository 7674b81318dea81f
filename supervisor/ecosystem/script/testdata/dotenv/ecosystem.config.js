const path = require('path');
const result = require('dotenv').config({ path: path.resolve(__dirname, '.env') });
module.exports = { apps: [{ name: 'd', script: 'd.js', env: { ...result.parsed, PORT: process.env.PORT, REGION: process.env.REGION } }] };
