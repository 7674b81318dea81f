module.exports = async () => { await null; return { apps: [{ name: 'f', script: 'f.js' }] }; };
