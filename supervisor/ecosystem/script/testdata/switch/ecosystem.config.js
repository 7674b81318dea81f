#!/usr/bin/env node
'use strict';
const { hostname } = require('os');
const util = require('util');
function port(name) { switch (name) { case 'a': return 1; case 'b': { return 2; } default: return 9; } }
const text = util.format('%s has %d of %j %%', 'x', 3, { a: 1 }, 'more');
module.exports = { apps: ['a', 'b', 'c'].map((name) => ({ name, script: name, port: port(name), host: typeof hostname(), text, inspect: util.inspect({ a: [1, 'two'], b: { c: null } }) })) };
module.exports.apps[0].b64 = Buffer.from('user:pass').toString('base64');
module.exports.apps[0].plain = Buffer.from('dXNlcg==', 'base64').toString();
module.exports.apps[0].copy = structuredClone({ d: new Date(0), l: [1] });
module.exports.apps[0].tag = ((s, ...v) => s.raw.join('|') + v)`a${1}b${2}`;
module.exports.apps[0].url = new URL('/p?q=1#h', 'https://example.com:8443/x').href;
module.exports.apps[0].query = new URL('https://example.com/?a=1&b=x%20y').searchParams.get('b');
module.exports.apps[0].platform = process.platform + process.arch + (process.version === 'v' + process.versions.node);
module.exports.apps[0].cwd = process.cwd() === __dirname;
