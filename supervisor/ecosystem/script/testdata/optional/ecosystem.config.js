let local = null;
try { local = require('./ecosystem.local.js'); } catch (error) { if (error.code !== 'MODULE_NOT_FOUND') throw error; }
const settings = { db: { host: 'db' } };
const port = local?.port ?? 7000;
let level; level ??= 'info'; let zero = 0; zero ||= 5; let one = 1; one &&= 2;
module.exports = { apps: [{ name: 'o', script: 'o.js', env: { port, host: settings?.db?.host, user: settings.db.user?.name ?? 'nobody', call: settings.missing?.(1), level, zero, one } }] };
