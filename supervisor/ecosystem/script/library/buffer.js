(function (native) {
  'use strict';
  class Buffer extends Uint8Array {
    static from(value, encoding) {
      const bytes = typeof value === 'string' ? new Uint8Array(native.encode(value, String(encoding || 'utf8').toLowerCase())) :
        value instanceof ArrayBuffer ? new Uint8Array(value) : value;
      const buffer = new Buffer(bytes.length);
      buffer.set(bytes);
      return buffer;
    }
    static alloc(size) { return new Buffer(size); }
    static isBuffer(value) { return value instanceof Buffer; }
    static byteLength(value, encoding) { return Buffer.from(value, encoding).length; }
    static concat(list) { return Buffer.from(list.flatMap((item) => Array.from(item))); }
    static get [Symbol.species]() { return Uint8Array; }
    toString(encoding) {
      return native.decode(Uint8Array.from(this).buffer, String(encoding || 'utf8').toLowerCase());
    }
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
    equals(other) { return this.toString('hex') === Buffer.from(other).toString('hex'); }
  }
  return { Buffer };
});
