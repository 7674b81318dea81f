const apps = [];
for (let i = 0; i < 3; i++) {
  apps.push({ name: 'worker-' + i, script: 'worker.js', args: ['--shard', String(i), '--of', '3'], env: { SHARD: i } });
}
for (const queue of new Set(['mail', 'sms', 'mail'])) apps.push({ name: `queue-${queue}`, script: 'queue.js', args: `--queue=${queue}` });
let n = 0;
while (n < 2) { apps.push({ name: `w${n}`, script: 'w.js' }); n += 1; }
exports.apps = apps;
