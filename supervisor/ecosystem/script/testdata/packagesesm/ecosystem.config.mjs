import { preset } from '@acme/presets';
import plain from 'plain';
export default { apps: [{ ...preset, ...plain, name: 'x', script: 'x.js' }] };
