(function (native, load) {
  'use strict';
  const { format, inspect } = load('util');
  const counts = {};
  let indent = '';
  const log = (...values) => native.print((indent + format(...values)).replace(/\n/g, '\n' + indent) + '\n');
  const quiet = () => {};
  return {
    log, info: log, debug: log, warn: log, error: log, trace: log, table: log,
    dir: (value, options) => log(inspect(value, options)),
    assert: (ok, ...values) => { if (!ok) log('Assertion failed' + (values.length ? ':' : ''), ...values); },
    group: (...values) => { if (values.length) log(...values); indent += '  '; },
    groupEnd: () => { indent = indent.slice(2); },
    count: (label = 'default') => log(`${label}: ${counts[label] = (counts[label] || 0) + 1}`),
    time: quiet, timeEnd: quiet, timeLog: quiet, clear: quiet,
  };
});
