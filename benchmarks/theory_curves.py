"""What max_margin costs: along curves, point by point as the error falls, and to import.

    python benchmarks/theory_curves.py     # writes theory_curves.csv, theory_cold_points.csv, theory_import.csv

One thread; the least of several runs, in seconds of the processor, which neighbours disturb less than the clock.
"""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
from machine import description, load
from theory_points import fastest

from perceptron_pruning.output.tables import Row, write_table
from replica_theory import KeepEasiest, KeepHardest, Selection, max_margin
from replica_theory._max_margin.continuation import solve_students

ALPHAS = np.geomspace(0.1, 100.0, 100)
CURVES = [
    (rule(fraction, aware), degrees)
    for fraction in (0.1, 0.5)
    for degrees, aware in ((0.0, False), (10.0, False), (10.0, True))
    for rule in (KeepHardest, KeepEasiest)
]
IMPORTS = ("numpy, scipy.special", "replica_theory")
FOLDER, REPEATS = Path(__file__).parent, 9


def curve_row(selection: Selection, degrees: float) -> Row:
    """A warm curve of 100 points: solving alone, and with the check by the paper's equations."""
    theta = math.radians(degrees)
    law = selection.kept_distribution(theta)
    _, whole = fastest(lambda: max_margin(ALPHAS, selection=selection, probe_angle=theta), REPEATS)
    _, solving = fastest(lambda: solve_students(law, ALPHAS), REPEATS)
    return {
        "selection": str(selection),
        "probe_angle_degrees": degrees,
        "points": ALPHAS.size,
        "milliseconds_per_point": 1e3 * whole / ALPHAS.size,
        "solving_per_point": 1e3 * solving / ALPHAS.size,
    }


def cold_row(alpha: float) -> Row:
    """One point by itself, in the hardest 1 % with a perfect probe, where the error falls to 1e-6."""
    solution, seconds = fastest(lambda: max_margin(alpha, selection=KeepHardest(0.01)), REPEATS)
    return {
        "selection": "KeepHardest(0.01)",
        "alpha_prune": alpha,
        "generalization_error": solution.generalization_error,
        "milliseconds": 1e3 * seconds,
    }


def import_row(modules: str) -> Row:
    """A fresh interpreter's time for an import, on the processor and by the clock."""
    script = (
        f"import time; c, w = time.process_time(), time.perf_counter(); import {modules}; "
        "print(time.process_time() - c, time.perf_counter() - w)"
    )
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in "12345"]
    processor, clock = (min(column) for column in zip(*(map(float, run.stdout.split()) for run in runs), strict=True))
    return {"modules": modules, "processor_milliseconds": 1e3 * processor, "clock_milliseconds": 1e3 * clock}


def save(name: str, rows: list[Row]) -> None:
    rows = [row | {"load_average": load(), "machine": description()} for row in rows]
    for row in rows:
        print(", ".join(f"{k} {v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items() if k != "machine"))
    write_table(FOLDER / name, rows)


def main() -> None:
    save("theory_curves.csv", [curve_row(*curve) for curve in CURVES])
    save("theory_cold_points.csv", [cold_row(float(alpha)) for alpha in np.geomspace(1.0, 1e5, 11)])
    save("theory_import.csv", [import_row(modules) for modules in IMPORTS])


if __name__ == "__main__":
    main()
