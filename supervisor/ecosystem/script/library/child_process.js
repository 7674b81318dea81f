(function () {
  'use strict';
  const names = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'];
  const refuse = (name) => () => {
    throw new Error(`child_process.${name} is not available: gorun starts no process while it evaluates an ecosystem file; pass the value in the environment`);
  };
  return Object.fromEntries(names.map((name) => [name, refuse(name)]));
});
