import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const settings = JSON.parse(await readFile(new URL('./settings.json', import.meta.url), 'utf8'));
const again = require('./settings.json');
const late = await new Promise((done) => setTimeout(() => done('late'), 5));
const { extra } = await import('./extra.mjs');
export default { apps: settings.apps.map((app) => ({ ...app, same: again.apps.length, late, extra })) };
