(function (native, load) {
  'use strict';
  const start = Date.now();
  const uptime = () => (Date.now() - start) / 1000;
  const info = native.process();
  const refuse = (name) => () => { throw new Error(`process.${name} is not available in an ecosystem file that gorun evaluates`); };
  const hrtime = (since) => {
    const now = uptime(), seconds = Math.floor(now), rest = Math.floor((now - seconds) * 1e9);
    return since ? [seconds - since[0], rest - since[1]] : [seconds, rest];
  };
  hrtime.bigint = () => BigInt(Math.floor(uptime() * 1e9));
  const stream = () => ({ isTTY: false, columns: 80, write: (text) => { native.print(String(text)); return true; } });
  const process = {
    title: 'node', ...info, versions: { node: info.version.slice(1), v8: '0.0.0' }, release: { name: 'node' },
    execArgv: [], exitCode: undefined, config: { variables: {} }, features: {},
    env: native.env,
    cwd: () => info.dir,
    exit: native.exit, abort: () => native.exit(134), chdir: refuse('chdir'), kill: refuse('kill'), umask: () => 0o22,
    uptime, hrtime,
    nextTick: (run, ...args) => { Promise.resolve().then(() => run(...args)); },
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
    getuid: () => info.uid, geteuid: () => info.uid, getgid: () => info.gid, getegid: () => info.gid,
    emitWarning: (warning) => native.print(`Warning: ${warning && warning.message || warning}\n`),
    stdout: stream(), stderr: stream(), stdin: { isTTY: false },
  };
  for (const name of ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners']) process[name] = () => process;
  process.emit = () => false;
  process.listeners = () => [];
  Object.defineProperty(process, Symbol.toStringTag, { value: 'process' });
  return process;
});
