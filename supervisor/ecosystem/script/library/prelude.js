// The globals of every file, and the functions that read its export.
(function (native, process, load) {
  'use strict';
  const { stringify } = JSON;
  const { keys, create, defineProperty } = Object;
  const isArray = Array.isArray;

  load('regexp');

  const lazy = (name, module) => defineProperty(globalThis, name, {
    configurable: true,
    get() { const loaded = load(module), value = name in loaded ? loaded[name] : loaded; set(name, value); return value; },
    set(value) { set(name, value); },
  });
  const set = (name, value) => defineProperty(globalThis, name, { configurable: true, writable: true, value });

  set('global', globalThis);
  set('process', process);
  lazy('Buffer', 'buffer');
  lazy('URL', 'url');
  lazy('URLSearchParams', 'url');
  lazy('console', 'console');
  set('performance', { now: () => process.uptime() * 1000, timeOrigin: Date.now() });

  // Timers run, without delay, when nothing else is left to do.
  const timers = [];
  let order = 0;
  const timer = (run, delay, ...args) => {
    const entry = { run, args, at: Number(delay) || 0, order: order++, ref() { return entry; }, unref() { return entry; } };
    timers.push(entry);
    return entry;
  };
  const clear = (entry) => { const i = timers.indexOf(entry); if (i >= 0) timers.splice(i, 1); };
  const runTimer = () => {
    if (timers.length === 0) return false;
    timers.sort((a, b) => a.at - b.at || a.order - b.order);
    const { run, args } = timers.shift();
    run(...args);
    return true;
  };
  set('setTimeout', timer);
  set('setImmediate', (run, ...args) => timer(run, 0, ...args));
  set('setInterval', () => ({ ref() { return this; }, unref() { return this; } }));
  set('clearTimeout', clear);
  set('clearImmediate', clear);
  set('clearInterval', () => {});
  set('queueMicrotask', (run) => { Promise.resolve().then(run); });

  const clone = (value, seen) => {
    if (typeof value === 'function' || typeof value === 'symbol') throw new Error(`${String(value)} could not be cloned.`);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    let copy;
    if (value instanceof Date) return new Date(value.getTime());
    if (value instanceof RegExp) return new RegExp(value.source, value.flags);
    if (value instanceof Map) {
      seen.set(value, copy = new Map());
      value.forEach((v, k) => copy.set(clone(k, seen), clone(v, seen)));
      return copy;
    }
    if (value instanceof Set) {
      seen.set(value, copy = new Set());
      value.forEach((v) => copy.add(clone(v, seen)));
      return copy;
    }
    seen.set(value, copy = isArray(value) ? [] : {});
    for (const key of keys(value)) copy[key] = clone(value[key], seen);
    return copy;
  };
  set('structuredClone', (value) => clone(value, new Map()));

  const define = (target, name, value) => {
    if (!(name in target)) defineProperty(target, name, { configurable: true, writable: true, value });
  };
  define(Object, 'groupBy', (items, by) => {
    const groups = create(null);
    let i = 0;
    for (const item of items) (groups[by(item, i++)] ??= []).push(item);
    return groups;
  });

  // One call of these could ask for more memory than there is.
  const longest = 1 << 26;
  const sizes = {
    repeat: (text, count) => text.length * count,
    padStart: (text, length) => length,
    padEnd: (text, length) => length,
    normalize: (text) => text.length * 18, // U+FDFA in NFKC and NFKD
  };
  for (const name of keys(sizes)) {
    const original = String.prototype[name];
    const limited = { [name](first, ...rest) {
      if (sizes[name](String(this), first) > longest) throw new RangeError('Invalid string length');
      return original.call(this, first, ...rest);
    } }[name];
    defineProperty(String.prototype, name, { configurable: true, writable: true, value: limited });
  }

  // serialize writes JSON as JSON.stringify does, with limits of depth and size, and
  // with the path of a value that cannot be written.
  const maxValues = 200000, maxDepth = 100;
  const serialize = (root) => {
    let nodes = 0;
    const ancestors = [];
    const pathOf = (path) => 'exports' + path.map((key) => typeof key === 'number' ? `[${key}]` : '.' + key).join('');
    const convert = (value, path) => {
      if (++nodes > maxValues) throw new RangeError(`the export has more than ${maxValues} values`);
      if (value !== null && (typeof value === 'object' || typeof value === 'bigint') && typeof value.toJSON === 'function') {
        value = value.toJSON(path.length ? String(path[path.length - 1]) : '');
      }
      if (value instanceof Number || value instanceof String || value instanceof Boolean) value = value.valueOf();
      if (typeof value === 'bigint') throw new TypeError(`${pathOf(path)} is a BigInt, which JSON does not have; use Number(…)`);
      if (typeof value === 'function' || typeof value === 'symbol') return undefined;
      if (typeof value !== 'object' || value === null) return value;
      const same = ancestors.indexOf(value);
      if (same >= 0) throw new TypeError(`${pathOf(path)} refers back to ${pathOf(path.slice(0, same))}: JSON has no cycles`);
      if (path.length > maxDepth) throw new RangeError(`the export is nested more than ${maxDepth} deep`);
      ancestors.push(value);
      let copy;
      if (isArray(value)) {
        if (value.length > maxValues) throw new RangeError(`the export has more than ${maxValues} values`);
        copy = [];
        for (let i = 0; i < value.length; i++) copy[i] = convert(value[i], [...path, i]);
      } else {
        copy = create(null);
        for (const key of keys(value)) {
          const item = convert(value[key], [...path, key]);
          if (item !== undefined) copy[key] = item;
        }
      }
      ancestors.pop();
      return copy;
    };
    return stringify(convert(root, [])) ?? '';
  };

  const callable = (value) => typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value));

  // defaultExport returns the default export of an ES module, or of one that was
  // compiled to CommonJS.
  const defaultExport = (value) => {
    if (value === null || typeof value !== 'object' || value.default === undefined) return value;
    if (!('apps' in value)) return value.default;
    const { default: _, ...rest } = value;
    return rest;
  };
  return { serialize, runTimer, callable, defaultExport };
});
