const { name, version, main } = require('./package.json');

module.exports = { apps: [{ name: name.replace(/^@[^/]+\//, ''), script: main, env: { APP_VERSION: version } }] };
