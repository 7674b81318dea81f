const scoped = require('@acme/presets'); module.exports = (name) => ({ name, script: 'p.js', ...scoped.preset });
