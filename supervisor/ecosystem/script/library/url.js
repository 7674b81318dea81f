(function (native) {
  'use strict';
  const fields = ['protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash', 'origin', 'href'];
  const decoded = (text) => decodeURIComponent(text.replace(/\+/g, ' '));
  class URLSearchParams {
    constructor(from = '') {
      const pairs = typeof from === 'string' ?
        from.replace(/^\?/, '').split('&').filter(Boolean).map((pair) => {
          const at = pair.indexOf('=');
          return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
        }).map(([key, value]) => [decoded(key), decoded(value)]) :
        typeof from[Symbol.iterator] === 'function' ? [...from] : Object.entries(from);
      Object.defineProperty(this, 'pairs', { writable: true, value: pairs.map(([key, value]) => [String(key), String(value)]) });
    }
    get(key) { const found = this.pairs.find((pair) => pair[0] === key); return found ? found[1] : null; }
    getAll(key) { return this.pairs.filter((pair) => pair[0] === key).map((pair) => pair[1]); }
    has(key) { return this.pairs.some((pair) => pair[0] === key); }
    append(key, value) { this.pairs.push([String(key), String(value)]); }
    set(key, value) { this.delete(key); this.append(key, value); }
    delete(key) { this.pairs = this.pairs.filter((pair) => pair[0] !== key); }
    forEach(run) { this.pairs.forEach(([key, value]) => run(value, key, this)); }
    entries() { return this.pairs[Symbol.iterator](); }
    keys() { return this.pairs.map((pair) => pair[0])[Symbol.iterator](); }
    values() { return this.pairs.map((pair) => pair[1])[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
    toString() {
      const coded = (text) => encodeURIComponent(text).replace(/%20/g, '+').replace(/[!'()~]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
      return this.pairs.map(([key, value]) => `${coded(key)}=${coded(value)}`).join('&');
    }
  }
  class URL {
    constructor(text, base) {
      const parts = native.parseURL(String(text), base === undefined ? '' : String(base));
      for (const field of fields) this[field] = parts[field];
      this.searchParams = new URLSearchParams(this.search);
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
    static canParse(text, base) { try { return Boolean(new URL(text, base)); } catch { return false; } }
  }
  const fileURLToPath = (url) => {
    const { protocol, pathname } = typeof url === 'string' ? new URL(url) : url;
    if (protocol !== 'file:') throw new TypeError('The URL must be of scheme file');
    return decodeURIComponent(pathname);
  };
  const pathToFileURL = (path) => new URL('file://' + encodeURI(native.absolute(path)).replace(/[?#]/g, encodeURIComponent));
  const parse = (text) => { try { return new URL(text); } catch { return { href: text, pathname: text }; } };
  return { URL, URLSearchParams, fileURLToPath, pathToFileURL, parse, format: String };
});
