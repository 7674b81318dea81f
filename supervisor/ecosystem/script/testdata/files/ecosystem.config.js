const fs = require('fs');
const path = require('path');
const at = (name) => path.join(__dirname, name);
let missing;
try { fs.readFileSync(at('nope.txt'), 'utf8'); } catch (error) { missing = error.code; }
const stat = fs.statSync(at('version.txt'));
module.exports = {
  apps: fs.readdirSync(at('services')).filter((name) => fs.statSync(at(`services/${name}`)).isDirectory()).map((name) => ({
    name, script: at(`services/${name}/index.js`), version: fs.readFileSync(at('version.txt'), 'utf8').trim(), missing,
    kinds: [stat.isFile(), stat.isDirectory(), stat.size], text: fs.readFileSync(at('version.txt')).toString().length,
    types: fs.readdirSync(at('services'), { withFileTypes: true }).map((d) => [d.name, d.isDirectory()]),
    has: [fs.existsSync(at('services')), fs.existsSync(at('x'))],
  })),
};
