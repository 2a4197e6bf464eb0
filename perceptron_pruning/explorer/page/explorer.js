// Sliders in, charts out: one request a move, one on its way at a time.

import { draw, standalone } from "./plot.js";

const LOG = { alpha: 0, probe_ridge: 0, ridge: 1e-4 }; // logarithmic sliders; those of least value 0 have it at their left end
const OWN = "own"; // the tab of the user's embeddings
const FIRST = 60; // ms that a move's first answer may take once there is another move
const STEPS = 1000; // of logarithmic sliders; linear ones have steps of a half or of 0.005
const find = id => document.getElementById(id);
const form = find("controls");
let laws = [], setting, state, view, chart, wanted = false, running = false, onAxis = null, before = null, flight = null, made = 0; // made: when the last move was; before: the last complete chart; flight: the request on its way

const query = () => new URLSearchParams(Object.entries(state).filter(([name, value]) => value !== setting.defaults[name])).toString();

// ---- sliders ----

function ends(name) {
  const [low, high] = setting.ranges[name];
  return [Math.log(low || LOG[name]), Math.log(high)];
}

function steps(name) {
  const [low, high] = setting.ranges[name];
  return name in LOG ? STEPS : Math.round((high - low) / (high > 1 ? 0.5 : 0.005));
}

function fromSlider(name, position) {
  const [low, high] = setting.ranges[name];
  if (!(name in LOG)) return low + (high - low) * position / steps(name);
  if (low === 0 && position === 0) return 0;
  const [a, b] = ends(name);
  return position === STEPS ? high : position === 0 ? low : Math.exp(a + (b - a) * position / STEPS);
}

function toSlider(name, value) {
  const [low, high] = setting.ranges[name];
  if (!(name in LOG)) return steps(name) * (value - low) / (high - low);
  if (value <= 0) return 0;
  const [a, b] = ends(name);
  return Math.max(low === 0 ? 1 : 0, STEPS * (Math.log(value) - a) / (b - a));
}

const rounded = value => String(Number(value.toPrecision(3)));

/** Puts a value into the state, and what would contradict it within its bounds. */
function put(name, value) {
  state[name] = value;
  if (state.rule === "window" && ["keep_fraction", "lower", "rule"].includes(name))
    state.lower = rounded(Math.min(Number(state.lower), Math.floor((1 - Number(state.keep_fraction)) * 1000) / 1000));
}

/** The controls as the state has them. */
function show() {
  for (const control of form.elements) {
    if (!(control.name in setting.defaults)) continue;
    const value = state[control.name];
    if (control.type === "range") {
      control.value = toSlider(control.name, Number(value));
      control.closest("label").querySelector("output").textContent = value;
      control.setAttribute("aria-valuetext", value);
    } else if (control.type === "checkbox") control.checked = value === "1";
    else control.value = value;
  }
  for (const label of form.querySelectorAll("[data-when], [data-unless]")) {
    const [name, value] = (label.dataset.when ?? label.dataset.unless).split("=");
    label.hidden = (state[name] === value) !== ("when" in label.dataset);
  }
}

function moved() {
  show();
  remember();
  ask();
}

/** Writes the state into the address. */
function remember() {
  const search = query();
  history.replaceState(null, "", (search ? `?${search}` : location.pathname) + `#${view}`);
}

// ---- charts ----

/** Asks for the chart of the state as it is now, then for more of it until it is complete. */
async function ask() {
  wanted = true;
  made = performance.timeOrigin + performance.now();
  if (flight) setTimeout(flight.end, Math.max(0, flight.until - performance.now())); // what is asked for now comes first
  if (running) return;
  running = true;
  let answered = null;
  while (wanted) {
    wanted = false;
    const asked = query(), shown = view, more = answered === `${shown}?${asked}`;
    const control = new AbortController();
    flight = { end: () => control.abort(), until: more ? 0 : performance.now() + FIRST };
    const waiting = setTimeout(() => find("shown").classList.add("busy"), 150);
    try {
      const response = await fetch(`${more ? "more" : "chart"}/${shown}?${asked}`, { signal: control.signal, headers: { "X-Moved": made } }), answer = await response.json();
      if (shown === view) response.ok ? tell(answer) : complain(answer.error);
      Object.assign(document.body.dataset, { answered: answered = `${shown}?${asked}`, complete: !response.ok || answer.complete });
      if (response.ok && !answer.complete) wanted = true;
    } catch (failure) {
      if (failure.name !== "AbortError") complain("The server does not answer: start `perceptron-pruning explore` again.");
    } finally {
      clearTimeout(waiting);
      flight = null;
      find("shown").classList.remove("busy");
    }
  }
  running = false;
}

function tell(answer) {
  if (answer.pending) {
    find("shown").classList.add("solving");
    if (!chart) find("sentence").textContent = "Solving …";
    return;
  }
  find("shown").classList.remove("solving");
  chart = answer;
  find("problem").hidden = true;
  find("shown").classList.remove("stale");
  find("sentence").textContent = chart.sentence;
  find("title").textContent = chart.title;
  find("numbers").replaceChildren(...chart.numbers.map(([name, value]) => {
    const entry = document.createElement("div"), term = document.createElement("dt"), number = document.createElement("dd");
    term.textContent = name;
    number.textContent = value;
    entry.append(term, number);
    return entry;
  }));
  find("notes").replaceChildren(...(chart.complete ? chart.notes : []).map(note => {
    const item = document.createElement("li");
    item.textContent = note;
    return item;
  }));
  for (const kind of ["table", "snippet"]) find(kind).href = `${kind}/${view}?${query()}`;
  find("picture").classList.toggle("movable", chart.x.parameter !== null);
  redraw();
  if (chart.complete) before = { view, chart };
}

function redraw() {
  onAxis = draw(find("picture"), chart, !chart.complete && before?.view === view ? before.chart : null);
}

function complain(problem) {
  find("shown").classList.remove("solving");
  find("problem").textContent = problem;
  find("problem").hidden = false;
  find("shown").classList.add("stale");
}

// ---- what the user does ----

function listen() {
  form.addEventListener("input", ({ target }) => {
    const { name, type } = target;
    put(name, type === "range" ? rounded(fromSlider(name, Number(target.value))) : type === "checkbox" ? String(Number(target.checked)) : target.value);
    moved();
  });
  const drag = event => {
    if (!chart?.x.parameter || !onAxis || (event.type === "pointermove" && !event.buttons)) return;
    const box = find("picture").getBoundingClientRect();
    put(chart.x.parameter, rounded(onAxis(event.clientX - box.left)));
    moved();
  };
  find("picture").addEventListener("pointerdown", drag);
  find("picture").addEventListener("pointermove", drag);
  find("reset").addEventListener("click", () => { state = { ...setting.defaults }; moved(); });
  find("svg").addEventListener("click", () => save("explore.svg", standalone(find("picture").firstChild), "image/svg+xml"));
  find("link").addEventListener("click", async ({ target }) => {
    await navigator.clipboard.writeText(location.href);
    target.textContent = "Copied";
    setTimeout(() => { target.textContent = "Copy link"; }, 1500);
  });
  find("files").addEventListener("submit", event => {
    event.preventDefault();
    recommend(find("files").elements.embeddings.value, find("files").elements.labels.value);
  });
  find("shipped").addEventListener("click", () => recommend("", ""));
  addEventListener("resize", () => { if (chart) redraw(); drawLaws(); });
  addEventListener("popstate", read);
}

// ---- embeddings ----

async function recommend(embeddings, labels) {
  const buttons = find("files").querySelectorAll("button");
  buttons.forEach(button => { button.disabled = true; });
  find("wait").hidden = false;
  find("refused").hidden = true;
  try {
    const headers = { "Content-Type": "application/json" }, body = JSON.stringify({ embeddings, labels });
    const response = await fetch("advice", { method: "POST", headers, body }), answer = await response.json();
    find("refused").hidden = response.ok;
    find("refused").textContent = answer.error ?? "";
    find("advised").textContent = answer.sentence ?? "";
    find("about").textContent = answer.about ?? "";
    tabulate(answer.table ?? []);
    find("law").textContent = answer.theory?.about ?? "";
    laws = answer.theory?.charts ?? [];
    drawLaws();
  } catch {
    find("refused").hidden = false;
    find("refused").textContent = "The server does not answer: start `perceptron-pruning explore` again.";
  } finally {
    find("wait").hidden = true;
    buttons.forEach(button => { button.disabled = false; });
  }
}

/** What the theory says of the embeddings: a picture each, with its sentence and numbers. */
function drawLaws() {
  find("laws").replaceChildren(...laws.map(() => document.createElement("figure")));
  laws.forEach((shown, i) => {
    const figure = find("laws").children[i], box = document.createElement("div"), made = (kind, text) => Object.assign(document.createElement(kind), { textContent: text });
    figure.append(made("figcaption", shown.title), ...(shown.sentence ? [made("p", shown.sentence)] : []), box, made("p", shown.numbers.map(pair => pair.join(": ")).join(" · ")));
    draw(box, shown);
  });
}

function tabulate(rows) {
  const names = Object.keys(rows[0] ?? {}).filter(name => name !== "chosen");
  const line = (kind, texts) => {
    const row = document.createElement("tr");
    row.append(...texts.map((text, i) => {
      const cell = document.createElement(kind);
      cell.textContent = text;
      if (names[i] !== "rule") cell.className = "number";
      return cell;
    }));
    return row;
  };
  find("tried").replaceChildren(line("th", names), ...rows.map(row => {
    const made = line("td", names.map(name => row[name]));
    made.classList.toggle("chosen", row.chosen);
    return made;
  }));
}

function save(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

// ---- address and views ----

function read() {
  state = { ...setting.defaults, ...Object.fromEntries(new URLSearchParams(location.search)) };
  const named = location.hash.slice(1);
  choose(named in setting.views ? named : Object.keys(setting.views)[0]);
}

function choose(name) {
  view = name;
  find("own").hidden = name !== OWN;
  find("shown").hidden = form.hidden = name === OWN;
  for (const tab of find("views").children) tab.setAttribute("aria-selected", tab.dataset.view === name);
  show();
  if (view !== OWN) ask();
}

async function start() {
  setting = await (await fetch("setting")).json();
  setting.views[OWN] = "Your embeddings";
  find("views").append(...Object.entries(setting.views).map(([name, title]) => {
    const tab = document.createElement("button");
    Object.assign(tab, { type: "button", textContent: title });
    tab.setAttribute("role", "tab");
    tab.dataset.view = name;
    tab.addEventListener("click", () => { choose(name); remember(); });
    return tab;
  }));
  for (const range of form.querySelectorAll("input[type=range]")) Object.assign(range, { min: 0, max: steps(range.name), step: 1 });
  listen();
  read();
}

start();
