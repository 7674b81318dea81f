const path = require('path');
const root = path.resolve(__dirname, '..');
module.exports = {
  apps: [{
    name: path.basename(__dirname), script: path.join(__dirname, 'src', '..', 'dist', 'index.js'), cwd: root,
    out_file: path.join(__dirname, 'logs/out.log'), rel: path.relative(root, __filename), ext: path.extname('a/b.tar.gz'),
    parsed: path.parse('/home/me/file.txt'), norm: [path.normalize('/a//b/./../c/'), path.normalize('../../x'), path.normalize('')],
    dirs: ['/a/b/', '/a', 'a', '', '/', 'a/b//'].map((p) => path.dirname(p)), bases: ['/a/b/', 'a.js', '/', 'x/.env'].map((p) => path.basename(p, '.js')),
    format: path.format({ dir: '/x', name: 'n', ext: '.e' }), abs: path.isAbsolute('./x'), sep: path.sep,
    join: [path.join(), path.join('a', '', '..'), path.join('/a', '../../b')], exts: ['.env', 'a.', 'a.b', 'x/..'].map((p) => path.extname(p)),
    parses: ['a/b', './a.js', '/a', 'x', '../y/z.t'].map((p) => path.parse(p)),
  }],
};
