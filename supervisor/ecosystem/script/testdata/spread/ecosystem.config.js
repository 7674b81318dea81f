const base = { cwd: '/srv', autorestart: true, env: { TZ: 'UTC', LEVEL: 'info' } };
const app = (name, port, more = {}) => ({ ...base, name, script: `./services/${name}/index.js`, ...more, env: { ...base.env, PORT: port, ...more.env } });
module.exports = { apps: [app('users', 3001), app('orders', 3002, { instances: 4, env: { LEVEL: 'debug' } }), ...['a', 'b'].map((n, i) => app(n, 4000 + i))] };
