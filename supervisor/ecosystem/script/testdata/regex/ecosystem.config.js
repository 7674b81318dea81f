const branch = 'feature/ABC-123_do-it'.match(/([A-Z]+)-(\d+)/);
const camel = (text) => text.replace(/[-_](\w)/g, (_, c) => c.toUpperCase());
module.exports = { apps: [{ name: camel('my-great_app'), script: 'r.js', ticket: branch?.[0], number: Number(branch[2]), parts: 'a, b;c'.split(/[,;]\s*/), look: 'x=1'.replace(/(?<=x=)\d/, '9'), all: [...'a1b2'.matchAll(/\d/g)].map((m) => m[0]) }] };
