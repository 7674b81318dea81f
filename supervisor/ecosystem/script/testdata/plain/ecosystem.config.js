// The usual file.
module.exports = {
  apps: [{
    name: 'api',
    script: './dist/server.js',
    instances: 2,
    exec_mode: 'cluster',
    max_memory_restart: '300M',
    watch: false,
    env: { NODE_ENV: 'development', PORT: 3000 },
    env_production: { NODE_ENV: 'production', PORT: 8080 },
    env_staging: { NODE_ENV: 'staging' },
  }],
};
