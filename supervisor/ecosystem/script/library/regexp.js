// The engine does not support named groups: an expression with them is matched by
// a copy without the names.
(function () {
  'use strict';
  const { exec } = RegExp.prototype;
  const replace = RegExp.prototype[Symbol.replace];
  const token = /\\k<([^>]*)>|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((?:\?<([A-Za-z_$][\w$]*)>|(?!\?))/g;
  const copies = new WeakMap();

  // unnamedOf returns the copy and the names of its groups, '' for one without.
  const unnamedOf = (regexp) => {
    const { source, flags } = regexp;
    if (!source.includes('(?<')) return null;
    if (!copies.has(regexp)) {
      const names = [];
      replace.call(token, source, (whole, _, name) => {
        if (whole[0] === '(') names.push(name || '');
        return whole;
      });
      const bare = replace.call(token, source, (whole, reference, name) => {
        if (reference !== undefined) return `(?:\\${names.indexOf(reference) + 1})`;
        return name === undefined ? whole : '(';
      });
      copies.set(regexp, names.some(Boolean) ? { names, bare: new RegExp(bare, flags) } : null);
    }
    return copies.get(regexp);
  };

  const match = (regexp, { names, bare }, text) => {
    bare.lastIndex = regexp.lastIndex;
    const found = exec.call(bare, text);
    if (regexp.global || regexp.sticky) regexp.lastIndex = bare.lastIndex;
    if (found) {
      found.groups = Object.create(null);
      names.forEach((name, i) => { if (name) found.groups[name] = found[i + 1]; });
    }
    return found;
  };

  const expand = (pattern, found, text) => replace.call(/\$(\$|&|`|'|\d\d?|<([^>]*)>)/g, pattern, (whole, sign, name) => {
    switch (sign) {
      case '$': return '$';
      case '&': return found[0];
      case '`': return text.slice(0, found.index);
      case "'": return text.slice(found.index + found[0].length);
    }
    if (name !== undefined) return found.groups[name] ?? '';
    return Number(sign) > 0 && Number(sign) < found.length ? found[Number(sign)] ?? '' : whole;
  });

  const methods = {
    exec(text) {
      const unnamed = unnamedOf(this);
      return unnamed ? match(this, unnamed, text) : exec.call(this, text);
    },
    [Symbol.replace](value, by) {
      if (!unnamedOf(this)) return replace.call(this, value, by);
      const text = String(value);
      let result = '', end = 0;
      if (this.global) this.lastIndex = 0;
      for (let found = this.exec(text); found; found = this.global ? this.exec(text) : null) {
        const next = typeof by === 'function' ? by(...found, found.index, text, found.groups) : expand(String(by), found, text);
        result += text.slice(end, found.index) + next;
        end = found.index + found[0].length;
        if (found[0] === '') this.lastIndex++;
      }
      return result + text.slice(end);
    },
  };
  for (const key of Reflect.ownKeys(methods)) {
    Object.defineProperty(RegExp.prototype, key, { configurable: true, writable: true, value: methods[key] });
  }
  return {};
});
