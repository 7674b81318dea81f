(function (native, load) {
  'use strict';
  const builtinModules = native.builtins();
  const createRequire = (from) => native.requireFrom(String(from).startsWith('file:') ? load('url').fileURLToPath(from) : String(from));
  return { createRequire, builtinModules, isBuiltin: (name) => builtinModules.includes(name.replace(/^node:/, '')) };
});
