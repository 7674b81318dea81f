(() => {
'use strict';
const every = 2000, span = 120000, timeout = 8000;
const main = document.querySelector('main'), lost = document.getElementById('lost'), icon = document.getElementById('icon');
const histories = new Map();
let answered = Date.now(), connected = true, refreshing = false, begun, timer;

// History of a worker, or of all of them: [time, CPU in per cent, memory].
function record(el, t) {
  const d = el.dataset, cpu = +d.cpu, mem = +d.mem, h = histories.get(d.id) || {points: []};
  let share = NaN;
  if (t > h.t && cpu >= h.cpu) share = (cpu - h.cpu) / (t - h.t) * 1e5;
  if (!(t <= h.t)) h.points.push([t, share, mem]);
  h.points = h.points.filter(p => p[0] > t - span);
  h.t = t;
  h.cpu = cpu;
  histories.set(d.id, h);
  return h;
}

function draw(el, i, top, t) {
  const all = histories.get(el.dataset.id).points, points = all.filter(p => p[i] >= 0);
  const svg = el.querySelector(i == 1 ? '.cpu svg' : '.mem svg');
  if (all.length < 2) return;
  const width = Math.max(1, Math.min(t - begun, span));
  const at = p => (100 - (t - p[0]) / width * 100).toFixed(1) + ' ' + (23 - Math.min(p[i] / top, 1) * 22).toFixed(1);
  const line = points.map(at).join('L');
  const first = points.length ? at(points[0]).split(' ')[0] : 100;
  svg.innerHTML = points.length && `<path class="area" d="M${first} 24L${line}L100 24"/><path d="M${line}"/>` || '';
}

function percent(share) {
  return share.toFixed(share < 9.95 ? 1 : 0) + ' %';
}

function updateCharts() {
  const t = +main.dataset.t, ids = new Set();
  begun = Math.min(begun ?? t, t);
  for (const section of main.querySelectorAll('section')) {
    const rows = section.dataset.id ? [section] : [...section.querySelectorAll('[data-id]')];
    let cpu = 10, mem = 1;
    for (const row of rows) {
      ids.add(row.dataset.id);
      mem = Math.max(mem, +row.dataset.top);
      for (const p of record(row, t).points) {
        cpu = Math.max(cpu, p[1] || 0);
        mem = Math.max(mem, p[2]);
      }
    }
    for (const row of rows) {
      const last = histories.get(row.dataset.id).points.at(-1)[1];
      if (last >= 0 && !row.classList.contains('off')) row.querySelector('.cpu b').textContent = percent(last);
      draw(row, 1, cpu, t);
      draw(row, 2, mem, t);
    }
  }
  for (const id of histories.keys()) if (!ids.has(id)) histories.delete(id);
}

// Makes a like b and keeps what is the same: selection, focus, charts.
function morph(a, b) {
  if (a.nodeType == 3 && a.data != b.data) a.data = b.data;
  if (a.nodeType != 1 || a.nodeName == 'svg') return;
  for (const {name} of [...a.attributes]) if (!b.hasAttribute(name)) a.removeAttribute(name);
  for (const {name, value} of b.attributes) if (a.getAttribute(name) != value) a.setAttribute(name, value);
  let at = a.firstChild;
  for (const child of [...b.childNodes]) {
    if (at && at.nodeName == child.nodeName && at.dataset?.k == child.dataset?.k) {
      morph(at, child);
      at = at.nextSibling;
    } else {
      a.insertBefore(child, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function showConnection() {
  lost.hidden = connected;
  document.body.classList.toggle('lost', !connected);
  lost.querySelector('span').textContent = ', since ' + Math.round((Date.now() - answered) / 1000) + ' s';
}

async function refresh() {
  clearTimeout(timer);
  if (refreshing || document.hidden) return;
  refreshing = true;
  try {
    const answer = await fetch('?fragment', {cache: 'no-store', signal: AbortSignal.timeout(timeout)});
    if (!answer.ok) throw answer;
    const fresh = document.createElement('template');
    fresh.innerHTML = await answer.text();
    morph(main, fresh.content.querySelector('main'));
    document.title = main.dataset.title;
    if (icon.getAttribute('href') != main.dataset.icon) icon.setAttribute('href', main.dataset.icon);
    updateCharts();
    answered = Date.now();
    connected = true;
  } catch {
    connected = false;
  }
  refreshing = false;
  showConnection();
  timer = setTimeout(refresh, every);
}

document.addEventListener('visibilitychange', refresh);
setInterval(() => connected || showConnection(), 1000);
updateCharts();
timer = setTimeout(refresh, every);
})();
