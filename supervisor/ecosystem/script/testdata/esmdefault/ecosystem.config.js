import os, { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const __filename = fileURLToPath(import.meta.url);
const __dirname = path.dirname(__filename);

export default { apps: [{ name: 'esm', script: path.join(__dirname, 'dist', 'main.js'), instances: cpus().length, cwd: __dirname, os: os.EOL }] };
