(function (native, load) {
  'use strict';
  const fs = load('fs'), { homedir } = load('os');
  const parse = (source) => native.parseDotenv(String(source));
  const populate = (target, parsed, options = {}) => {
    for (const key of Object.keys(parsed)) {
      if (options.override || !Object.prototype.hasOwnProperty.call(target, key)) target[key] = parsed[key];
    }
    return target;
  };
  const config = (options = {}) => {
    const given = options.path === undefined || options.path === null ? '.env' : options.path;
    const parsed = {};
    let error;
    for (const path of Array.isArray(given) ? given : [given]) {
      try {
        const name = typeof path === 'string' ? path.replace(/^~(?=\/|$)/, homedir()) : path;
        populate(parsed, parse(fs.readFileSync(name, options.encoding || 'utf8')), options);
      } catch (caught) {
        error = caught;
      }
    }
    populate(options.processEnv || process.env, parsed, options);
    return error ? { parsed, error } : { parsed };
  };
  return { config, configDotenv: config, parse, populate };
});
