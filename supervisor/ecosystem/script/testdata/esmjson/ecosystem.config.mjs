import settings from './settings.json' with { type: 'json' };
export default { apps: [{ name: settings.name, script: 'a.js' }] };
