"""How long a move of the explorer waits, by view: random states, ends of sliders among them, in a headless Chromium.

    python benchmarks/explorer.py [moves of each view] [of these, moves that are let finish]

Every move is a state drawn anew, of which nothing is known: neighbours on a slider share much. It comes while the one
before it is still being refined, and every fourth at the end of a drag over five other states, 30 ms apart. A time ends
when the browser has painted. "Content" is the first picture that has solved points of the new state, or why it has
none; "finished" the picture with all points, of moves that are left alone. The yardstick is what the machine takes for
nothing, at the same moments: a file of the page is fetched, and the browser paints. Writes explorer.csv beside it.
"""

import csv
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import numpy as np
from machine import description, load

from perceptron_pruning.explorer.server import Explorer
from perceptron_pruning.explorer.state import RANGES, State
from perceptron_pruning.explorer.views import VIEWS

sys.path.append(str(Path(__file__).parents[1] / "tests" / "explorer"))
from webdriver import Browser, browser  # pyright: ignore[reportMissingImports]

CHOICES = {
    "abscissa": ("pool", "kept"),
    "rule": ("hardest", "easiest", "random", "window"),
    "label_aware": (False, True),
    "probe": ("independent", "independent", "trained"),
    "probe_loss": ("square", "logistic", "hinge", "squared_hinge"),
    "student": ("max_margin", "max_margin", "square", "logistic", "hinge", "squared_hinge"),
}
LOGARITHMIC = {"alpha": 0.1, "ridge": 1e-4, "probe_ridge": 1e-4}  # and where these sliders begin, beside 0
AT_AN_END = 0.15  # chance that a slider stands at one


def slider(rng: np.random.Generator, name: str) -> float:
    low, high = RANGES[name]
    if rng.random() < AT_AN_END:
        return float(rng.choice([low, high]))
    if name in LOGARITHMIC:
        return float(f"{np.exp(rng.uniform(np.log(LOGARITHMIC[name]), np.log(high))):.3g}")
    return float(f"{rng.uniform(low, high):.3g}")


def random_state(rng: np.random.Generator) -> State:
    """A state that the page lets a user set."""
    while True:
        chosen: dict[str, Any] = {name: values[rng.integers(len(values))] for name, values in CHOICES.items()}
        chosen |= {name: slider(rng, name) for name in RANGES}
        if chosen["student"] == "max_margin" or rng.random() < 0.5:
            chosen["label_noise"] = 0.0
        try:
            return State(**chosen)
        except ValueError:  # a window beyond the pool
            continue


BATCH = 25  # moves of one script
DRAG = 5  # states that a drag passes
SCRIPT = """
const moves = %s, times = [];
const frame = () => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const go = address => { history.replaceState(null, "", address); dispatchEvent(new PopStateEvent("popstate")); };
const until = async (question, there) => {
  const shown = () => document.body.dataset.answered === question && there();
  while (!shown()) await new Promise(resolve => {
    const watch = new MutationObserver(() => { watch.disconnect(); resolve(); });
    watch.observe(document.body, { attributes: true });
  });
  await frame();
};
for (const { passed, view, query, dwell } of moves) {
  for (const other of passed) { go(`/?${other}#${view}`); await pause(30); }
  const question = `${view}?${query}`;
  let began = performance.now();
  const since = () => performance.now() - began;
  await (await fetch("style.css")).text();
  await frame();
  const nothing = since();
  began = performance.now();
  go(`/?${query}#${view}`);
  await until(question, () => !document.getElementById("shown").classList.contains("solving"));
  const content = since(), refused = !document.getElementById("problem").hidden;
  if (dwell === null) await until(question, () => document.body.dataset.complete === "true");
  times.push([content, dwell === null ? since() : null, refused, nothing]);
  if (dwell !== null) await pause(dwell);
}
return times;
"""


def moves_of(view: str, moves: int, left_alone: int) -> list[dict[str, Any]]:
    """Moves of one view: states that are dragged over before, the state, and ms until the next (None: it finishes)."""
    rng = np.random.default_rng([2, list(VIEWS).index(view)])
    found = []
    for number in range(moves):
        passed = [random_state(rng).query() for _ in range(DRAG if number % 4 == 3 else 0)]
        finishes = number % (moves // left_alone) == 0 if left_alone else False
        dwell = None if finishes else float(rng.choice([0.0, 20.0, 150.0]))
        found.append({"passed": passed, "view": view, "query": random_state(rng).query(), "dwell": dwell})
    return found


def row(window: Browser, view: str, moves: int, left_alone: int) -> dict[str, object]:
    made, times = moves_of(view, moves, left_alone), []
    for start in range(0, moves, BATCH):
        times += window.awaited(SCRIPT % json.dumps(made[start : start + BATCH]))
    content, finished, refused, nothing = (np.array(column, dtype=float) for column in zip(*times, strict=True))
    finished = finished[np.isfinite(finished)]
    return {
        "view": view,
        "moves": moves,
        "content_median_ms": f"{np.median(content):.0f}",
        "content_95_percent_ms": f"{np.quantile(content, 0.95):.0f}",
        "content_worst_ms": f"{content.max():.0f}",
        "beyond_200_ms": int(np.sum(content > 200)),
        "yardstick_median_ms": f"{np.median(nothing):.0f}",
        "yardstick_worst_ms": f"{nothing.max():.0f}",
        "no_student": int(refused.sum()),
        "left_alone": finished.size,
        "finished_median_ms": f"{np.median(finished):.0f}" if finished.size else "",
        "finished_worst_ms": f"{finished.max():.0f}" if finished.size else "",
        "slowest": made[int(np.argmax(content))]["query"],
        "load": load(),
        "machine": description(),
    }


def main(moves: int, left_alone: int) -> None:
    rows = []
    with Explorer() as explorer, TemporaryDirectory() as folder, browser(Path(folder)) as window:
        Thread(target=explorer.serve_forever, daemon=True).start()
        window.open(explorer.url)
        window.wait(lambda: window.run("return document.body.dataset.complete === 'true'"))
        for view in VIEWS:
            rows.append(row(window, view, moves, left_alone))
            print({name: value for name, value in rows[-1].items() if name != "machine"}, flush=True)
            write(rows)
        explorer.shutdown()


def write(rows: list[dict[str, object]]) -> None:
    """The table so far."""
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(*(int(text) for text in (sys.argv[1:] if len(sys.argv) == 3 else ("100", "10"))))
