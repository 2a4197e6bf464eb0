// Curves as SVG: two axes, curves labelled at their ends, dots where the sliders stand.

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: var(--soft); }
.grid { stroke: var(--line); stroke-width: 1; }
.frame { stroke: var(--soft); stroke-width: 1; }
.curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.before { opacity: 0.25; }
.area { stroke: none; opacity: 0.15; }
.now { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 4; }
.word { fill: var(--ink); font-size: 14px; text-anchor: middle; }
.end { font-weight: 600; }
.refined { font-style: italic; paint-order: stroke; stroke: var(--ground); stroke-width: 4; }
`;
const COLOURS = ["ink", "soft", "line", "ground", "hardest", "easiest", "random", "window", "plain"];
const FEW = 10; // points below which they are drawn as dots
const TEXT = 15; // pixels that a label takes of the height
let drawn = 0; // pictures so far, by which their clips are named

/**
 * Draws a chart into a box as wide as it is. Returns where a pixel lies on the x axis.
 * Behind a chart that is not complete yet stands the one before it, faint.
 */
export function draw(box, chart, before = null) {
  const width = Math.max(280, box.clientWidth), height = width < 560 ? Math.min(300, width * 0.72) : Math.min(440, width * 0.56);
  const names = chart.series.some(one => one.label);
  const frame = { left: 52, right: width - (names ? 62 : 14), top: 10, bottom: height - 40 };
  const x = scale(chart.x, chart.series.flatMap(one => one.x), frame.left, frame.right);
  const y = scale(chart.y, [chart, before ?? chart].flatMap(it => it.series).flatMap(one => one.y).concat(chart.marks.map(mark => mark.y)), frame.bottom, frame.top);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": chart.title });
  svg.append(element("style", {}, STYLE), axes(chart, x, y, frame));
  const shown = chart.marks.filter(mark => x.holds(mark.x) && y.holds(mark.y));
  for (const mark of shown.slice(0, 1))
    svg.append(element("line", { class: "now", x1: x(mark.x), x2: x(mark.x), y1: frame.top, y2: frame.bottom }));
  const inside = element("clipPath", { id: `inside-${++drawn}` }), size = { width: frame.right - frame.left + 4, height: frame.bottom - frame.top + 4 };
  inside.append(element("rect", { x: frame.left - 2, y: frame.top - 2, ...size }));
  const curves = element("g", { "clip-path": `url(#inside-${drawn})` });
  for (const one of chart.series.filter(one => one.steps))
    curves.append(element("path", { class: "area", d: stepped(one.x.map((at, i) => [x(at), y(one.y[i])])), fill: colour(one.key) }));
  for (const one of before?.series ?? []) {
    const old = curve(one, x, y, true);
    old.setAttribute("class", "curve before");
    curves.append(old);
  }
  for (const one of chart.series) {
    if (enough(one, chart.complete)) curves.append(curve(one, x, y, chart.complete));
    if (!chart.complete && !one.steps) curves.append(...points(one, x, y));
  }
  svg.append(inside, curves);
  for (const mark of shown)
    svg.append(element("circle", { cx: x(mark.x), cy: y(mark.y), r: 5, ...inked(mark) }));
  for (const [at, up, text] of chart.words) svg.append(element("text", { class: "word", x: x(at), y: y(up) }, text));
  svg.append(...ends(before ?? chart, y, frame));
  if (!chart.complete)
    svg.append(element("text", { class: "refined", x: frame.right, y: frame.top + 12, "text-anchor": "end" }, `refining: ${chart.solved} of ${chart.points} points are solved`));
  box.replaceChildren(svg);
  return x.inverse;
}

/** The picture as a file of its own, in the colours of the page. */
export function standalone(svg) {
  const copy = svg.cloneNode(true), page = getComputedStyle(document.documentElement);
  const colours = COLOURS.map(name => `--${name}: ${page.getPropertyValue(`--${name}`)};`).join(" ");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.prepend(element("style", {}, `svg { ${colours} background: var(--ground); }`));
  return new XMLSerializer().serializeToString(copy);
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Filled, or hollow where better may be found. */
const inked = mark => mark.hollow
  ? { fill: "var(--ground)", stroke: colour(mark.key), "stroke-width": 2 }
  : { fill: colour(mark.key), stroke: "var(--ground)", "stroke-width": 1.5 };

const colour = key => `var(--${key})`;

/** Value → pixel, with its inverse and its ticks. */
function scale(axis, values, from, to) {
  const log = axis.scale === "log", forth = log ? Math.log10 : value => value, back = log ? value => 10 ** value : value => value;
  const known = values.filter(value => value !== null && Number.isFinite(value) && (!log || value > 0));
  let [low, high] = axis.ends || [Math.min(...known), Math.max(...known)];
  if (!axis.ends && log && high / low < 1.2) [low, high] = [low / 1.1, high * 1.1];
  const a = forth(low), b = forth(high), room = axis.ends ? 0 : 0.04 * (b - a || 1);
  const position = value => from + (to - from) * (forth(value) - a + room) / (b - a + 2 * room);
  position.holds = value => Number.isFinite(value) && forth(value) >= a - room - 1e-9 && forth(value) <= b + room + 1e-9;
  position.inverse = pixel => back(Math.min(b, Math.max(a, a - room + (pixel - from) / (to - from) * (b - a + 2 * room))));
  position.ticks = log ? decades(back(a - room), back(b + room)) : rounds(a - room, b + room);
  return position;
}

function decades(low, high) {
  const spread = high / low, steps = spread > 2000 ? [1] : spread > 12 ? [1, 2, 5] : spread > 4 ? [1, 1.5, 2, 3, 5, 7] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const step of steps) ticks.push(step * 10 ** power);
  return ticks.filter(tick => tick >= low * 0.9999 && tick <= high * 1.0001);
}

function rounds(low, high) {
  const rough = (high - low) / 6, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + 1e-9 * step; tick += step) ticks.push(tick);
  return ticks;
}

function axes(chart, x, y, frame) {
  const group = element("g", {});
  for (const tick of y.ticks) {
    group.append(element("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y(tick), y2: y(tick) }));
    group.append(element("text", { x: frame.left - 6, y: y(tick) + 4, "text-anchor": "end" }, plain(tick)));
  }
  for (const tick of x.ticks) {
    group.append(element("line", { class: "frame", x1: x(tick), x2: x(tick), y1: frame.bottom, y2: frame.bottom + 4 }));
    group.append(element("text", { x: x(tick), y: frame.bottom + 17, "text-anchor": "middle" }, plain(tick)));
  }
  group.append(element("line", { class: "frame", x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }));
  group.append(element("text", { x: (frame.left + frame.right) / 2, y: frame.bottom + 35, "text-anchor": "middle" }, chart.x.label));
  const middle = (frame.top + frame.bottom) / 2;
  group.append(element("text", { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, chart.y.label));
  return group;
}

const plain = value => Number(value.toPrecision(3)).toString();

/** A curve: monotone between its points. Where no point is, it has a gap once all are solved. */
function curve(one, x, y, complete) {
  const runs = [[]];
  one.x.forEach((at, i) => {
    if (one.y[i] !== null) runs.at(-1).push([x(at), y(one.y[i])]);
    else if (complete && runs.at(-1).length) runs.push([]);
  });
  const d = runs.map(run => one.steps ? stepped(run) : smooth(run)).join(" ");
  return element("path", { class: "curve", d, stroke: colour(one.key), "data-key": one.key });
}

/** Whether a curve says more than its points. */
const enough = (one, complete) => complete || one.steps || one.y.filter(value => value !== null).length >= FEW;

const points = (one, x, y) => one.x.flatMap((at, i) =>
  one.y[i] === null ? [] : [element("circle", { cx: x(at), cy: y(one.y[i]), r: 2.5, fill: colour(one.key) })]);

const stepped = run => run.map(([a, b], i) => (i ? `H${a} V${b}` : `M${a},${b}`)).join(" ");

/** Fritsch and Carlson's monotone cubic, as Bézier curves. */
function smooth(run) {
  if (run.length < 2) return "";
  const slope = run.slice(1).map(([a, b], i) => (b - run[i][1]) / (a - run[i][0]));
  const tangent = run.map((_, i) => {
    const before = slope[i - 1] ?? slope[i], after = slope[i] ?? slope[i - 1];
    return before * after <= 0 ? 0 : 2 * before * after / (before + after);
  });
  let d = `M${run[0][0].toFixed(1)},${run[0][1].toFixed(1)}`;
  for (let i = 1; i < run.length; i++) {
    const [a, b] = run[i - 1], [c, e] = run[i], third = (c - a) / 3;
    d += `C${[a + third, b + third * tangent[i - 1], c - third, e - third * tangent[i], c, e].map(v => v.toFixed(1)).join(",")}`;
  }
  return d;
}

/** Names at the curves' right ends, moved apart. */
function ends(chart, y, frame) {
  const named = chart.series.filter(one => one.label && enough(one, chart.complete)).map(one => ({ one, value: one.y.findLast(value => value !== null) })).filter(end => end.value !== undefined);
  const sorted = named.map(end => ({ ...end, at: y(end.value) + 4 })).sort((a, b) => a.at - b.at);
  sorted.forEach((end, i) => { if (i) end.at = Math.max(end.at, sorted[i - 1].at + TEXT); });
  let floor = frame.bottom;
  for (const end of sorted.toReversed()) { end.at = Math.min(end.at, floor); floor = end.at - TEXT; }
  return sorted.map(({ one, at }) => element("text", { class: "end", x: frame.right + 6, y: at, style: `fill: ${colour(one.key)}` }, one.label));
}
