// The page without a server: errors between the nodes of a grid that was solved beforehand.

const find = id => document.getElementById(id), form = find("controls");
const grid = JSON.parse(find("grid").textContent), levels = unpacked(grid.bytes);
const DEFAULTS = { alpha: 5, fraction: 0.3, degrees: 10, rule: "hardest", student: Object.keys(grid.students)[0] };
const RANGES = { alpha: [grid.kept[0] / grid.fractions[0], grid.kept.at(-1)], fraction: [grid.fractions[0], 1], degrees: [0, grid.angles.at(-1)] };
const STEPS = 400, POINTS = 70, EQUAL = 0.003; // of a slider; of a curve; |ln of a ratio| below which two errors are called equal
const NAMES = { hardest: "hard", easiest: "easy", random: "random" };
let state, movers = {};

// ---- the grid ----

/** Levels of ln ε, by student, rule, fraction, angle and α: see `packed` in grid.py. */
function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0)), half = bytes.length / 2;
  const steps = Float64Array.from({ length: half }, (_, i) => {
    const folded = 256 * bytes[i] + bytes[half + i];
    return folded % 2 ? -(folded + 1) / 2 : folded / 2;
  });
  const row = grid.kept.length, sheet = row * grid.angles.length, book = sheet * grid.fractions.length;
  for (let i = 0; i < half; i++) if (i % book >= sheet) steps[i] += steps[i - sheet];
  for (let i = 0; i < half; i++) if (i % sheet >= row) steps[i] += steps[i - row];
  for (const _ of [1, 2]) for (let i = 0; i < half; i++) if (i % row) steps[i] += steps[i - 1];
  return steps;
}

/** The first of the four nodes around a place, and Lagrange's weights of the four. */
function cubic(nodes, place) {
  const above = nodes.findIndex(node => node >= place), first = Math.min(Math.max((above < 0 ? nodes.length : above) - 2, 0), nodes.length - 4);
  const near = nodes.slice(first, first + 4);
  return { first, weights: near.map(node => near.reduce((product, other) => other === node ? product : product * (place - other) / (node - other), 1)) };
}

const logs = { fractions: grid.fractions.map(Math.log), kept: grid.kept.map(Math.log) };

/** ε of a student as a function of kept examples per dimension and of the fraction, at one angle. */
function errors(student, rule, degrees) {
  const of = Object.keys(grid.students).indexOf(student) * grid.rules.length + Math.max(0, grid.rules.indexOf(rule));
  const [nf, na, nk] = [grid.fractions.length, grid.angles.length, grid.kept.length], angle = cubic(grid.angles, degrees);
  const at = (f, k) => angle.weights.reduce((sum, weight, i) => sum + weight * levels[((of * nf + f) * na + angle.first + i) * nk + k], 0);
  const sheet = grid.fractions.map((_, f) => grid.kept.map((_, k) => at(f, k)));
  return (kept, fraction) => {
    const f = cubic(logs.fractions, rule === "random" ? 0 : Math.log(fraction)), k = cubic(logs.kept, Math.log(kept));
    let level = 0;
    f.weights.forEach((wf, i) => k.weights.forEach((wk, j) => { level += wf * wk * sheet[f.first + i][k.first + j]; }));
    return Math.exp(grid.least + (grid.largest - grid.least) / grid.levels * level);
  };
}

globalThis.pruningError = ({ student, rule, degrees, alpha, fraction }) => errors(student, rule, degrees)(alpha * fraction, fraction);

// ---- charts ----

const between = (low, high, count) => Array.from({ length: count }, (_, i) => low + (high - low) * i / (count - 1));
const spread = ([low, high], count) => between(Math.log(low), Math.log(high), count).map(Math.exp);
const short = error => (error >= 0.01 ? error.toFixed(3) : String(Number(error.toPrecision(2)))).replace(/^0/, "");

function show() {
  const { alpha, fraction, degrees, rule, student } = state;
  const solve = Object.fromEntries(Object.keys(NAMES).map(key => [key, errors(student, key, degrees)]));
  const here = Object.fromEntries(Object.keys(NAMES).map(key => [key, solve[key](alpha * fraction, fraction)]));
  const marks = x => Object.keys(NAMES).map(key => ({ key, x, y: here[key] }));
  const curves = (x, kept, share) => Object.keys(NAMES).map(key => ({ key, label: NAMES[key], x, y: x.map(at => solve[key](kept(at), share(at))) }));
  const chart = parts => ({ complete: true, words: [], marks: [], ...parts });
  const y = { label: "ε, test error", scale: "log" }, whole = solve.random(alpha, 1);
  find("sentence").textContent = sentence(here);
  find("verdict").textContent = verdict(here[rule], whole);
  find("title").textContent = `Test error of the ${grid.students[student]} student${student === "max_margin" ? "" : `, ridge ${grid.ridge}`}, ${rounded(100 * fraction)} % of the pool kept`;
  movers.alpha = draw(find("by_size"), chart({
    title: "Test error by pool size", x: { label: "α, examples of the pool per dimension", scale: "log", ends: RANGES.alpha }, y,
    series: curves(spread(RANGES.alpha, POINTS), at => at * fraction, () => fraction), marks: marks(alpha),
  }));
  movers.fraction = draw(find("by_fraction"), chart({
    title: "Test error by fraction kept", x: { label: "f, fraction kept", scale: "linear", ends: [0, 1] }, y,
    series: curves(between(...RANGES.fraction, POINTS), at => at * alpha, at => at), marks: marks(fraction),
  }));
  const line = crossing(solve);
  draw(find("map"), chart({
    title: "Where hard and easy are equally good", x: { label: "f, fraction kept", scale: "linear", ends: [0, 1] }, y: { label: "α of the pool", scale: "log", ends: RANGES.alpha },
    series: [{ key: "plain", label: "", x: line.map(point => point[0]), y: line.map(point => point[1]) }], marks: [{ key: rule, x: fraction, y: alpha }],
    words: sides(line, solve),
  }));
}

function sentence(here) {
  const [best, ...others] = Object.keys(here).sort((a, b) => here[a] - here[b]);
  if (others.every(key => Math.log(here[key] / here[best]) < EQUAL)) return `At this size it makes no difference which ones you keep: ε = ${short(here[best])}.`;
  const word = { hardest: "the hard ones", easiest: "the easy ones", random: "at random" };
  return `At this size keep ${word[best]}: ε = ${short(here[best])} against ${others.map(key => `${short(here[key])} ${NAMES[key]}`).join(" and ")}.`;
}

function verdict(error, whole) {
  const word = { hardest: "The hardest", easiest: "The easiest", random: "A random" }[state.rule], share = `${rounded(100 * state.fraction)} %`;
  return `${word} ${share} of the pool ${state.rule === "random" ? "has" : "have"} ${(error / whole).toPrecision(3)} times the error of all of it (${short(whole)}).`;
}

/** (f, α) at which hard and easy are equally good, with a gap where they never are. */
function crossing(solve) {
  const alphas = spread(RANGES.alpha, 90);
  return between(grid.fractions[0], 0.95, 35).map(f => {
    const ratio = alphas.map(alpha => Math.log(solve.hardest(alpha * f, f) / solve.easiest(alpha * f, f)));
    const i = ratio.findIndex((now, j) => j > 0 && now * ratio[j - 1] < 0 && Math.abs(now) + Math.abs(ratio[j - 1]) > 1e-3);
    if (i < 0) return [f, null];
    return [f, alphas[i - 1] * (alphas[i] / alphas[i - 1]) ** (ratio[i - 1] / (ratio[i - 1] - ratio[i]))];
  });
}

/** Which is better on either side of the line, or everywhere. */
function sides(line, solve) {
  const better = (alpha, f) => (solve.hardest(alpha * f, f) < solve.easiest(alpha * f, f) ? "hard is better" : "easy is better");
  const known = line.filter(point => point[1] !== null), [f, alpha] = known[Math.floor(known.length / 2)] ?? [0.5, null];
  const places = alpha === null ? [5] : [alpha * 3.5, alpha / 3.5].filter(at => at > RANGES.alpha[0] * 1.3 && at < RANGES.alpha[1] / 1.3);
  return places.map(at => [Math.min(0.72, Math.max(0.3, f)), at, better(at, f)]);
}

// ---- sliders ----

const rounded = value => Number(value.toPrecision(3));
const isLog = name => name === "alpha";

function fromSlider(name, position) {
  const [low, high] = RANGES[name];
  return rounded(isLog(name) ? low * (high / low) ** (position / STEPS) : low + (high - low) * position / STEPS);
}

function toSlider(name, value) {
  const [low, high] = RANGES[name];
  return STEPS * (isLog(name) ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
}

function put(name, value) {
  const bounds = RANGES[name];
  state[name] = bounds ? Math.min(bounds[1], Math.max(bounds[0], value)) : value;
  moved();
}

function moved() {
  for (const control of form.elements) if (control.name in state) {
    control.value = control.type === "range" ? toSlider(control.name, state[control.name]) : state[control.name];
    if (control.type !== "range") continue;
    control.closest("label").querySelector("output").textContent = state[control.name];
    control.setAttribute("aria-valuetext", state[control.name]);
  }
  show();
  const told = new URLSearchParams(Object.entries(state).filter(([name, value]) => value !== DEFAULTS[name])).toString();
  if (!inside) history.replaceState(null, "", told ? `#${told}` : location.pathname);
  if (inside) frameElement.style.height = `${document.documentElement.getBoundingClientRect().height + 8}px`;
}

/** The state that the address names, as far as it is one. */
function named() {
  const asked = { ...DEFAULTS };
  for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
    if (name in RANGES && Number.isFinite(Number(text))) asked[name] = Math.min(RANGES[name][1], Math.max(RANGES[name][0], Number(text)));
    if (name === "rule" && text in NAMES || name === "student" && text in grid.students) asked[name] = text;
  }
  return asked;
}

function drag(name, id) {
  const box = find(id), move = event => {
    if (event.type === "pointermove" && !event.buttons) return;
    put(name, rounded(movers[name](event.clientX - box.getBoundingClientRect().left)));
  };
  box.addEventListener("pointerdown", move);
  box.addEventListener("pointermove", move);
}

const inside = location.protocol === "about:" && frameElement !== null;
document.body.classList.toggle("within", inside);
for (const [key, label] of Object.entries(grid.students)) form.elements.student.append(new Option(key === "max_margin" ? "nothing: max-margin" : label, key));
for (const range of form.querySelectorAll("input[type=range]")) Object.assign(range, { min: 0, max: STEPS, step: 1 });
form.addEventListener("input", ({ target }) => put(target.name, target.type === "range" ? fromSlider(target.name, Number(target.value)) : target.value));
drag("alpha", "by_size");
drag("fraction", "by_fraction");
find("reset").addEventListener("click", () => { state = { ...DEFAULTS }; moved(); });
addEventListener("resize", () => moved());
addEventListener("hashchange", () => { state = named(); moved(); });
find("accuracy").textContent = grid.accuracy;
state = inside ? { ...DEFAULTS } : named();
moved();
