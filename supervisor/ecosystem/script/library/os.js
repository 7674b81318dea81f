(function (native) {
  'use strict';
  const host = native.host();
  const cpu = () => ({ model: 'cpu', speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } });
  const env = process.env;
  return {
    EOL: '\n', devNull: '/dev/null',
    cpus: () => Array.from({ length: host.cpus }, cpu),
    availableParallelism: () => host.cpus,
    hostname: () => host.hostname,
    platform: () => process.platform,
    arch: () => process.arch,
    machine: () => host.machine,
    type: () => host.type,
    release: () => host.release,
    version: () => host.version,
    endianness: () => 'LE',
    totalmem: () => host.totalmem,
    freemem: () => native.host().freemem,
    uptime: () => native.host().uptime,
    loadavg: () => native.host().loadavg,
    homedir: () => env.HOME || host.homedir,
    tmpdir: () => (env.TMPDIR || env.TMP || env.TEMP || '/tmp').replace(/(.)\/$/, '$1'),
    userInfo: () => ({ uid: host.uid, gid: host.gid, username: host.username, homedir: host.homedir, shell: env.SHELL || null }),
    networkInterfaces: () => ({}),
    constants: { signals: { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15 } },
  };
});
