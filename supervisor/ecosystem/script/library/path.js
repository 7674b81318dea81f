(function () {
  'use strict';
  const text = (value, name) => {
    if (typeof value === 'string') return value;
    const error = new TypeError(`The "${name}" argument must be of type string. Received ${value === null ? 'null' : typeof value}`);
    error.code = 'ERR_INVALID_ARG_TYPE';
    throw error;
  };
  const isAbsolute = (path) => text(path, 'path').startsWith('/');
  const normalizeSegments = (path, absolute) => {
    const kept = [];
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      if (part !== '..') kept.push(part);
      else if (kept.length > 0 && kept[kept.length - 1] !== '..') kept.pop();
      else if (!absolute) kept.push(part);
    }
    return kept.join('/');
  };
  const normalize = (path) => {
    if (text(path, 'path') === '') return '.';
    const absolute = isAbsolute(path);
    let result = normalizeSegments(path, absolute);
    if (result === '') return absolute ? '/' : path.endsWith('/') ? './' : '.';
    if (path.endsWith('/')) result += '/';
    return absolute ? '/' + result : result;
  };
  const join = (...parts) => {
    const joined = parts.map((part) => text(part, 'path')).filter(Boolean).join('/');
    return joined === '' ? '.' : normalize(joined);
  };
  const resolve = (...parts) => {
    let path = '';
    for (const part of [process.cwd(), ...parts]) {
      if (text(part, 'path') === '') continue;
      path = isAbsolute(part) ? part : path + '/' + part;
    }
    return '/' + normalizeSegments(path, true);
  };
  const withoutTrailingSlashes = (path) => path.length > 1 ? path.replace(/(.)\/+$/, '$1') : path;
  const dirname = (path) => {
    const body = withoutTrailingSlashes(text(path, 'path'));
    const at = body.lastIndexOf('/');
    if (at < 0) return '.';
    return at === 0 ? '/' : body.slice(0, at).replace(/(.)\/+$/, '$1');
  };
  const basename = (path, suffix) => {
    const body = withoutTrailingSlashes(text(path, 'path'));
    const base = body.slice(body.lastIndexOf('/') + 1);
    return suffix !== undefined && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
  };
  const extname = (path) => {
    const base = basename(path);
    const dot = base.lastIndexOf('.');
    return dot <= 0 || base === '..' ? '' : base.slice(dot);
  };
  const relative = (from, to) => {
    const a = resolve(text(from, 'from')).split('/').filter(Boolean);
    const b = resolve(text(to, 'to')).split('/').filter(Boolean);
    let same = 0;
    while (same < a.length && same < b.length && a[same] === b[same]) same++;
    return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/');
  };
  const parse = (path) => {
    const base = basename(path), ext = extname(path), root = isAbsolute(path) ? '/' : '';
    const dir = dirname(path);
    return { root, dir: dir === '.' && !path.startsWith('.') ? '' : dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
  };
  const format = ({ dir, root = '', base, name = '', ext = '' }) => {
    const last = base || name + (ext && !ext.startsWith('.') ? '.' + ext : ext);
    const folder = dir || root;
    return !folder ? last : folder === root ? folder + last : folder + '/' + last;
  };
  const path = {
    sep: '/', delimiter: ':', isAbsolute, normalize, join, resolve, dirname, basename, extname, relative, parse, format,
    toNamespacedPath: (name) => name,
  };
  path.posix = path;
  return path;
});
