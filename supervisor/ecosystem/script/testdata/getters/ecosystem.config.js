const config = {
  name: 'g',
  get script() { return this.name + '.js'; },
  get ['env_' + 'production']() { return { NODE_ENV: 'production' }; },
  skipped() {}, none: undefined, nothing: null, list: [undefined, () => 1, NaN, -0, 1.5, 1e21, 0.1 + 0.2],
  date: new Date(0), regex: /x/, map: new Map([[1, 2]]), boxed: new Number(3), text: new String('s'), [Symbol('s')]: 1,
  2: 'two', 1: 'one',
};
Object.defineProperty(config, 'hidden', { value: 1, enumerable: false });
module.exports = { apps: [config] };
