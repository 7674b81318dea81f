const apps = require('./config/apps');
module.exports = { apps: apps.map((app, i) => Object.assign({ namespace: 'json', increment_var: 'PORT', order: i }, app)) };
