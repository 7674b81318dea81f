const fs = require('fs');
const path = require('path');
const dotenv = require('dotenv');
const file = path.join(__dirname, '.env.production');
const env = fs.existsSync(file) ? dotenv.parse(fs.readFileSync(file)) : {};
const none = dotenv.config({ path: path.join(__dirname, '.env.nowhere') });
module.exports = { apps: [{ name: 'p', script: 'p.js', env, failed: Boolean(none.error) }] };
