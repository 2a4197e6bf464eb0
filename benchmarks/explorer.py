"""How long a move of the explorer waits, by view: random states, ends of sliders among them, over HTTP as a page asks.

    python benchmarks/explorer.py [moves of each view]

Every move is a state drawn anew, of which nothing is known: neighbours on a slider share much. A user who waits sees
the first answer, which may be that it is being solved, and then something to draw; one who drags on leaves it to the
server to end what nobody wants. Writes explorer.csv beside it.
"""

import csv
import json
import sys
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np
from machine import description, load

from perceptron_pruning.explorer.server import Explorer
from perceptron_pruning.explorer.state import RANGES, State
from perceptron_pruning.explorer.students import Students
from perceptron_pruning.explorer.views import VIEWS

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


class Page:
    """Moves as the page makes them: it asks until there is something to draw, or leaves at once for the next move."""

    def __init__(self, explorer: Explorer):
        self._explorer, self._connection = explorer, HTTPConnection("127.0.0.1", explorer.server_port)

    def ask(self, view: str, state: State) -> bool:
        """Whether the answer is there, be it that there is no student."""
        self._connection.request("GET", f"/chart/{view}?{state.query()}")
        return not json.loads(self._connection.getresponse().read()).get("pending")

    def move(self, view: str, state: State, *, patient: bool) -> tuple[float, float]:
        """Seconds until the first answer, and until there is something to draw (NaN for a user who has moved on)."""
        if patient:
            self._explorer.students.choices = Students().choices
        began = perf_counter()
        there = self.ask(view, state)
        first = perf_counter() - began
        while patient and not there:
            there = self.ask(view, state)
        return first, perf_counter() - began if there else np.nan


def row(page: Page, view: str, moves: int, *, patient: bool) -> dict[str, object]:
    rng = np.random.default_rng([int(patient), list(VIEWS).index(view)])
    states = [random_state(rng) for _ in range(moves)]
    first, drawn = 1e3 * np.array([page.move(view, state, patient=patient) for state in states]).T
    return {
        "view": view,
        "user": "waits" if patient else "drags on",
        "moves": moves,
        "first_answer_median_ms": f"{np.median(first):.0f}",
        "first_answer_worst_ms": f"{first.max():.0f}",
        "drawn_median_ms": f"{np.nanmedian(drawn):.0f}" if patient else "",
        "drawn_95_percent_ms": f"{np.nanquantile(drawn, 0.95):.0f}" if patient else "",
        "drawn_worst_ms": f"{np.nanmax(drawn):.0f}" if patient else "",
        "slowest": states[int(np.nanargmax(drawn if patient else first))].query(),
        "load": load(),
        "machine": description(),
    }


def main(moves: int) -> None:
    rows = []
    with Explorer() as explorer:
        Thread(target=explorer.serve_forever, daemon=True).start()
        explorer.students.warm_up()
        page = Page(explorer)
        for view in VIEWS:
            for patient in (True, False):
                rows.append(row(page, view, moves, patient=patient))
                print({name: value for name, value in rows[-1].items() if name != "machine"}, flush=True)
        explorer.shutdown()
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
