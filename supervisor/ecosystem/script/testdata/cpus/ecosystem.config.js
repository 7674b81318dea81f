const os = require('os');
const instances = Math.max(1, os.cpus().length - 1);
module.exports = {
  apps: [{ name: 'web', script: 'app.js', instances, exec_mode: instances > 1 ? 'cluster' : 'fork' },
    { name: 'half', script: 'half.js', instances: Math.floor(require('node:os').cpus().length / 2) || 1 }],
};
