(function () {
  'use strict';
  const quoted = (value) => `'${value.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n')}'`;
  const name = (key) => /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key);
  const wrap = (open, items, close) => {
    if (items.length === 0) return open + close;
    const line = `${open} ${items.join(', ')} ${close}`;
    return line.length <= 76 && !line.includes('\n') ? line : `${open}\n  ${items.join(',\n').replace(/\n/g, '\n  ')}\n${close}`;
  };
  const special = (value) => {
    if (value instanceof Error) return value.stack || String(value);
    if (value instanceof Date) return isNaN(value) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof Promise) return 'Promise { <pending> }';
    if (typeof value === 'function') return /^class\b/.test(String(value)) ? `[class ${value.name}]` : `[Function: ${value.name || '(anonymous)'}]`;
    return undefined;
  };
  const show = (value, depth, ancestors) => {
    if (typeof value === 'string') return quoted(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (Object.is(value, -0)) return '-0';
    if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return String(value);
    const known = special(value);
    if (known !== undefined) return known;
    if (ancestors.includes(value)) return '[Circular *1]';
    if (ancestors.length > depth) return Array.isArray(value) ? '[Array]' : '[Object]';
    const inner = [...ancestors, value];
    const one = (item) => show(item, depth, inner);
    if (Array.isArray(value)) return wrap('[', Array.from(value, one), ']');
    if (value instanceof Map) return wrap(`Map(${value.size}) {`, [...value].map(([k, v]) => `${one(k)} => ${one(v)}`), '}');
    if (value instanceof Set) return wrap(`Set(${value.size}) {`, [...value].map(one), '}');
    const made = value.constructor;
    const prefix = typeof made === 'function' && made !== Object && made.name ? made.name + ' ' : '';
    return wrap(prefix + '{', Object.keys(value).map((key) => `${name(key)}: ${one(value[key])}`), '}');
  };
  const inspect = (value, options) => show(value, options && options.depth !== undefined ? options.depth ?? Infinity : 2, []);
  inspect.custom = Symbol.for('nodejs.util.inspect.custom');
  const plain = (value) => typeof value === 'string' ? value : inspect(value);
  const directives = {
    s: (value) => typeof value === 'object' && value !== null ? inspect(value, { depth: 0 }) : String(value),
    d: (value) => String(typeof value === 'object' ? NaN : Number(value)),
    i: (value) => String(parseInt(value)),
    f: (value) => String(parseFloat(value)),
    j: (value) => JSON.stringify(value),
    o: (value) => inspect(value, { depth: 4 }),
    O: (value) => inspect(value, { depth: 4 }),
    c: () => '',
  };
  const format = (first, ...rest) => {
    if (typeof first !== 'string') return [first, ...rest].map(plain).join(' ');
    let used = 0;
    const head = rest.length === 0 ? first : first.replace(/%([sdifjoOc%])/g, (whole, letter) => {
      if (letter === '%') return '%';
      return used < rest.length ? directives[letter](rest[used++]) : whole;
    });
    return [head, ...rest.slice(used).map(plain)].join(' ');
  };
  const inherits = (child, parent) => Object.setPrototypeOf(child.prototype, parent.prototype);
  const deprecate = (run) => run;
  const isDeepStrictEqual = (a, b) => inspect(a, { depth: null }) === inspect(b, { depth: null });
  const promisify = () => { throw new Error('util.promisify is not available in an ecosystem file that gorun evaluates'); };
  const stripVTControlCharacters = (value) => value.replace(/\u001b\[[0-9;]*m/g, '');
  return { format, inspect, inherits, deprecate, isDeepStrictEqual, promisify, stripVTControlCharacters, isArray: Array.isArray };
});
