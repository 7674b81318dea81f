module.exports = {
  apps: [{
    name: process.env.APP_NAME || 'fallback',
    script: 'index.js',
    instances: parseInt(process.env.WEB_CONCURRENCY || '3', 10),
    watch: process.env.NODE_ENV !== 'production',
    env: {
      PORT: process.env.PORT || 4000, HOST: process.env.HOST ?? '0.0.0.0', EMPTY: process.env.EMPTY ?? 'x',
      DEBUG: process.env['DEBUG'] === 'true', HAS: 'PORT' in process.env, MISSING: process.env.NOT_SET,
    },
  }],
};
