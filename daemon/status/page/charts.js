/** Draws what a tenant used, and how an incident went, from the API. */
import uPlot from './uPlot.esm.js';

const SCALES = ['', 'k', 'M', 'G', 'T', 'P'];
const HOURS = { '1h': 1, '24h': 24, '7d': 168, '30d': 720, '1y': 8784 };
const STEP_SECONDS = { minute: 60, fiveMinutes: 300, hour: 3600 };
const MOST_PAGES = 12;
const AGAIN_MS = 20_000;
const HEIGHT = 260;
const FEW = 10;
const ROOM_SECONDS = 300;

/** By the element that it is drawn in. */
const charts = new Map();

function quantity(value, unit) {
  if (value === null || value === undefined) return '–';
  let scaled = value;
  let scale = 0;
  while (Math.abs(scaled) >= 999.5 && scale < SCALES.length - 1) {
    scaled /= 1000;
    scale += 1;
  }
  return `${Number(scaled.toPrecision(3))} ${SCALES[scale]}${unit}`;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
/** light-dark() is no colour of a canvas. */
const resolved = (name) => {
  const probe = document.createElement('span');
  probe.style.color = colour(name);
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
};

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** All points of a usage that comes in pages. */
async function usageOf(tenant, hours) {
  const toMs = Date.now();
  const to = new Date(toMs).toISOString();
  return further({ tenant, to, from: new Date(toMs - hours * 3_600_000).toISOString(), points: [], pages: 1 });
}

async function further({ tenant, from, to, step, points, pages }) {
  const query = new URLSearchParams({ from, to, ...(step && { step }) });
  const page = await ask(`/api/usage/${encodeURIComponent(tenant)}?${query}`);
  const all = [...points, ...page.points];
  if (page.next === null || pages === MOST_PAGES) return { points: all, stepSeconds: STEP_SECONDS[page.step] };
  return further({ tenant, from: page.next, to, step: page.step, points: all, pages: pages + 1 });
}

async function limitsOf(tenant, hours) {
  const of = (state) => ask(`/api/limits?${new URLSearchParams({ state, tenant, since: `${hours}h`, limit: '500' })}`);
  const [standing, ended] = await Promise.all([of('standing'), of('ended')]);
  const inForce = standing.items.filter(({ state }) => state === 'inForce');
  return [...inForce, ...ended.items].map(({ rateBps, since, ended: end }) => ({
    rateBps,
    fromSeconds: Date.parse(since) / 1000,
    toSeconds: end === undefined ? Infinity : Date.parse(end.at) / 1000,
  }));
}

/** Columns for uPlot, with a hole where nothing is known. */
function columnsOf({ points, stepSeconds }, limits, threshold) {
  const columns = [[], [], [], [], []];
  const add = (seconds, inBps, outBps) => {
    const limit = limits.find(
      ({ fromSeconds, toSeconds }) => fromSeconds < seconds + stepSeconds && toSeconds > seconds,
    );
    [seconds, inBps, outBps, limit?.rateBps ?? null, threshold].forEach((value, i) => columns[i].push(value));
  };
  let last = null;
  for (const { at, knownSeconds, inBytes, outBytes } of points) {
    const seconds = Date.parse(at) / 1000;
    if (last !== null && seconds > last + stepSeconds) add(last + stepSeconds, null, null);
    add(seconds, (inBytes * 8) / knownSeconds, (outBytes * 8) / knownSeconds);
    last = seconds;
  }
  return columns;
}

/** A few points are shown with some time around them; of a single one uPlot would show years. */
function withRoom(columns) {
  const [times] = columns;
  if (times.length > FEW) return columns;
  return columns.map((column, i) =>
    i === 0 ? [times[0] - ROOM_SECONDS, ...column, times.at(-1) + ROOM_SECONDS] : [null, ...column, null],
  );
}

/** The day where it begins, or where a step is longer than one; else the time of it. */
function timeText(seconds, stepSeconds) {
  const text = new Date(seconds * 1000).toISOString();
  return stepSeconds >= 86_400 || text.slice(11, 16) === '00:00' ? text.slice(0, 10) : text.slice(11, 16);
}

function draw(place, series, columns, unit) {
  const axis = {
    stroke: resolved('soft'),
    grid: { stroke: resolved('line'), width: 1 },
    ticks: { stroke: resolved('line') },
  };
  const line = ({ label, tint, dash, isArea = false }) => ({
    label,
    stroke: resolved(tint),
    width: 2,
    points: { show: columns[0].length <= FEW },
    value: (_, value) => quantity(value, unit),
    ...(dash && { dash }),
    ...(isArea && { fill: `color-mix(in srgb, ${resolved(tint)} 15%, transparent)` }),
  });
  place.classList.toggle('empty', columns[0].length === 0);
  charts.get(place)?.destroy();
  charts.delete(place);
  if (columns[0].length === 0) return;
  const options = {
    width: place.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: { y: { range: (_, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, values: (_, times, _axis, _space, stepSeconds) => times.map((each) => timeText(each, stepSeconds)) },
      { ...axis, size: 90, values: (_, values) => values.map((value) => quantity(value, unit)) },
    ],
    series: [{ label: 'UTC', value: '{YYYY}-{MM}-{DD} {HH}:{mm}' }, ...series.map(line)],
  };
  charts.set(place, new uPlot(options, withRoom(columns), place));
}

async function drawUsage(place) {
  const { usage: tenant, span, threshold } = place.dataset;
  const hours = HOURS[span] ?? 24;
  const [usage, limits] = await Promise.all([usageOf(tenant, hours), limitsOf(tenant, hours)]);
  const all = columnsOf(usage, limits, threshold === '' ? null : Number(threshold));
  const series = [
    { label: 'in', tint: 'accent', isArea: true },
    { label: 'out', tint: 'warning' },
    { label: 'limit', tint: 'critical' },
    { label: 'threshold', tint: 'soft', dash: [6, 4] },
  ];
  const isDrawn = series.map((_, i) => i < 2 || all[i + 1].some((value) => value !== null));
  const columns = [all[0], ...all.slice(1).filter((_, i) => isDrawn[i])];
  draw(
    place,
    series.filter((_, i) => isDrawn[i]),
    columns,
    'bit/s',
  );
}

const UNITS = { 'packets/s': 'pps', bytes: 'B' };

async function drawHeights(place) {
  const { heights: id, unit, threshold } = place.dataset;
  const { heights } = await ask(`/api/incidents/${encodeURIComponent(id)}`);
  const columns = [[], [], []];
  let last = null;
  for (const { at, value } of heights) {
    const seconds = Date.parse(at) / 1000;
    if (last !== null && seconds > last + 60)
      [last + 60, null, Number(threshold)].forEach((each, i) => columns[i].push(each));
    [seconds, value, Number(threshold)].forEach((each, i) => columns[i].push(each));
    last = seconds;
  }
  const series = [
    { label: 'value', tint: 'accent', isArea: true },
    { label: 'threshold', tint: 'critical', dash: [6, 4] },
  ];
  draw(place, series, columns, UNITS[unit] ?? unit);
}

function drawAll() {
  for (const place of document.querySelectorAll('[data-usage]')) drawUsage(place).catch(() => {});
  for (const place of document.querySelectorAll('[data-heights]')) drawHeights(place).catch(() => {});
}

drawAll();
setInterval(() => document.hidden || drawAll(), AGAIN_MS);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
let resizing;
addEventListener('resize', () => {
  clearTimeout(resizing);
  resizing = setTimeout(drawAll, 200);
});
