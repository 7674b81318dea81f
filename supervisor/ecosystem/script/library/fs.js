(function (native, load) {
  'use strict';
  const { Buffer } = load('buffer');
  const { fileURLToPath } = load('url');
  const name = (path) => {
    if (typeof path === 'string') return path;
    if (path && path.href) return fileURLToPath(path);
    const error = new TypeError('The "path" argument must be of type string or an instance of Buffer or URL.');
    error.code = 'ERR_INVALID_ARG_TYPE';
    throw error;
  };
  const encodingOf = (options) => typeof options === 'string' ? options : options && options.encoding;
  const readFileSync = (path, options) => {
    const encoding = encodingOf(options);
    const content = Buffer.from(native.readFile(name(path)));
    return encoding && encoding !== 'buffer' ? content.toString(encoding) : content;
  };
  const stats = (found) => ({
    size: found.size, mode: found.mode, mtimeMs: found.mtimeMs, mtime: new Date(found.mtimeMs),
    isFile: () => found.kind === 'file',
    isDirectory: () => found.kind === 'directory',
    isSymbolicLink: () => found.kind === 'link',
  });
  const reader = (read) => (path, options) => {
    try {
      return stats(read(name(path)));
    } catch (error) {
      if (options && options.throwIfNoEntry === false && error.code === 'ENOENT') return undefined;
      throw error;
    }
  };
  const existsSync = (path) => { try { native.stat(name(path)); return true; } catch { return false; } };
  const accessSync = (path) => { native.stat(name(path)); };
  const readdirSync = (path, options) => {
    const found = native.readDir(name(path));
    if (!options || !options.withFileTypes) return found.map((item) => item.name);
    return found.map((item) => ({ name: item.name, path, parentPath: path, ...stats(item) }));
  };
  const realpathSync = (path) => native.realPath(name(path));
  const promised = (run) => (...args) => new Promise((done) => { done(run(...args)); });
  const statSync = reader(native.stat), lstatSync = reader(native.lstat);
  const fs = {
    readFileSync, existsSync, accessSync, readdirSync, realpathSync, statSync, lstatSync,
    constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 },
    promises: {
      readFile: promised(readFileSync), readdir: promised(readdirSync), access: promised(accessSync),
      stat: promised(statSync), lstat: promised(lstatSync), realpath: promised(realpathSync),
    },
  };
  const refused = ['appendFile', 'chmod', 'chown', 'copyFile', 'cp', 'link', 'mkdir', 'mkdtemp', 'open', 'rename', 'rm', 'rmdir',
    'symlink', 'truncate', 'unlink', 'utimes', 'write', 'writeFile'];
  for (const verb of refused) {
    const refuse = (name) => () => { throw new Error(`fs.${name} is not available: gorun only reads files while it evaluates an ecosystem file`); };
    fs[verb] = refuse(verb);
    fs[verb + 'Sync'] = refuse(verb + 'Sync');
    fs.promises[verb] = promised(refuse(`promises.${verb}`));
  }
  for (const verb of ['readFile', 'readdir', 'stat', 'access']) {
    fs[verb] = () => { throw new Error(`fs.${verb} is not available in an ecosystem file; use fs.${verb}Sync`); };
  }
  return fs;
});
