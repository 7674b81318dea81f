const { define, ports } = require('./lib');
const { a } = require('./lib/a');
module.exports = { apps: [define('one', ports.one), define('two', ports.two)], cycle: a(), cached: require('./lib/a') === require('./lib/a.js') };
