const plain = require('plain');
const scoped = require('@acme/presets');
const { deep } = require('@acme/presets/deep/inner');
module.exports = { apps: [plain('pkg'), { ...scoped.preset, name: 's', deep }], where: require.resolve('plain').endsWith('plain/lib/main.js') };
