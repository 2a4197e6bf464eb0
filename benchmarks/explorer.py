"""How long a move of the explorer waits for its first answer: random states, ends of sliders among them, by view.

    python benchmarks/explorer.py [moves of each view]

A move is a new state after what came before has been forgotten: the worst case, as neighbours of a slider share much.
Writes explorer.csv beside it: quantiles in milliseconds, and the state of the slowest move.
"""

import csv
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from machine import description, load

from perceptron_pruning.explorer.server import SECONDS
from perceptron_pruning.explorer.state import RANGES, State
from perceptron_pruning.explorer.students import Students
from perceptron_pruning.explorer.views import VIEWS
from replica_theory import SaddlePointError

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
        chosen = {name: values[rng.integers(len(values))] for name, values in CHOICES.items()}
        moved = {name: slider(rng, name) for name in RANGES}
        if chosen["student"] == "max_margin" or rng.random() < 0.5:
            moved["label_noise"] = 0.0
        try:
            return State(**chosen, **moved)
        except ValueError:  # a window beyond the pool
            continue


def waits(view: str, moves: int, seed: int) -> list[tuple[float, float, State, str]]:
    """(wall s, processor s, state, outcome) of each move, the slowest first."""
    rng, found = np.random.default_rng([seed, list(VIEWS).index(view)]), []
    students = Students()
    students.warm_up()
    for _ in range(moves):
        state, students.choices = random_state(rng), Students().choices
        began, used = perf_counter(), process_time()
        try:
            outcome = "complete" if VIEWS[view](state, students, SECONDS).complete else "in part"
        except (ValueError, SaddlePointError):
            outcome = "no student"
        found.append((perf_counter() - began, process_time() - used, state, outcome))
    return sorted(found, key=lambda wait: -wait[0])


def main(moves: int) -> None:
    rows = []
    for view in VIEWS:
        found = waits(view, moves, seed=0)
        times = 1e3 * np.array([wait[0] for wait in found])
        rows.append(
            {
                "view": view,
                "moves": moves,
                "median_ms": f"{np.median(times):.0f}",
                "q95_ms": f"{np.quantile(times, 0.95):.0f}",
                "q99_ms": f"{np.quantile(times, 0.99):.0f}",
                "worst_ms": f"{times[0]:.0f}",
                "worst_processor_ms": f"{1e3 * max(wait[1] for wait in found):.0f}",
                "over_200_ms": int((times > 200).sum()),
                "slowest": found[0][2].query(),
                "load": load(),
                "machine": description(),
            }
        )
        print({name: value for name, value in rows[-1].items() if name != "machine"}, flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
