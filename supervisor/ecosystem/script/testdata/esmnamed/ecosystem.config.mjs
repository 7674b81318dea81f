import { ports as numbers } from './ports.mjs';
import * as all from './ports.mjs';
import legacy from './legacy.cjs';
export const apps = Object.entries(numbers).map(([name, port]) => ({ name, script: `${name}.js`, env: { PORT: port, ...legacy } }));
export const deploy = { count: Object.keys(all).length };
