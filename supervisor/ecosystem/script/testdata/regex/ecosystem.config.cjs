const version = 'v18.2.1-rc.3'.match(/^v(?<major>\d+)\.(\d+)\.(?<patch>\d+)(-(?<tag>[a-z]+)\.(\d+))?$/);
const all = [...'a=1;b=2'.matchAll(/(?<key>\w)=(?<value>\d)/g)].map(({ groups: { key, value } }) => [key, value]);
module.exports = {
  apps: [{
    name: 'r', captured: [...version], groups: version.groups, index: version.index, all, none: 'x'.match(/(?<a>y)/), plain: 'x'.match(/(x)/).groups === undefined,
    day: '2026-11-21'.replace(/(?<y>\d+)-(?<m>\d+)-(\d+)/, '$3.$<m>.$<y> $& $$ $4'), call: 'a1b2'.replace(/(?<n>\d)/g, (m, n, at, text, groups) => `[${groups.n}${at}]`),
    behind: 'k=v'.replace(/(?<=k=)(v)/, '<$1>'), class: 'a(b'.match(/[(?<x>](b)/)[1], test: /(?<a>x)\k<a>/.test('xx'), list: 'a1b1'.match(/(?<n>\d)/g), split: 'a-b'.split(/(-)/),
    next: 'xaxb'.replace(/x(?<c>.)|$/g, '<$<c>>'),
  }],
};
