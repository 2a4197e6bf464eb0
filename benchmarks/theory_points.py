"""max_margin against what a reader of the paper would write: dblquad and fsolve on its equations.

    python benchmarks/theory_points.py        # writes theory_points.csv, a few minutes

Both solve for the same students in the same run, one thread, in seconds of the processor. The rival solves
equations (1)–(3) as printed, from a start given to it near the answer; its error is judged by max_margin,
whose own residual is shown.
"""

import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import description, load
from paper_rival import printed_equations
from scipy.integrate import IntegrationWarning
from scipy.optimize import fsolve

from perceptron_pruning.output.tables import Row, write_table
from replica_theory import KeepEasiest, KeepHardest, Selection, max_margin

POINTS = [
    (KeepHardest(0.5), 40.0, 1.0),
    (KeepHardest(0.4), 20.0, 2.0),
    (KeepEasiest(0.4), 20.0, 2.0),
    (KeepHardest(0.2), 20.0, 6.0),
    (KeepHardest(0.1), 10.0, 10.0),
    (KeepHardest(0.1), 10.0, 30.0),
    (KeepHardest(0.3), 5.0, 100.0),
]


def fastest(work: Callable, repeats: int) -> tuple:
    """Result and least processor seconds of a call, after one that is not counted."""
    result, seconds = work(), []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return result, min(seconds)


def solve_as_printed(start: np.ndarray, alpha: float, theta: float, selection: Selection) -> tuple:
    """fsolve's answer, what it says about it, and processor seconds."""
    begun = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IntegrationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        answer, _, status, message = fsolve(
            printed_equations,
            start,
            args=(alpha, theta, selection.kept_distribution(theta)),
            xtol=1e-9,
            full_output=True,
        )
    return answer, "solved" if status == 1 else " ".join(message.split()), time.process_time() - begun


def compare_point(selection: Selection, degrees: float, alpha: float) -> Row:
    """One row: times of both, and the rival's relative error."""
    theta = math.radians(degrees)
    ours, seconds = fastest(lambda: max_margin(alpha, selection=selection, probe_angle=theta), 9)
    start = np.array([0.97 * ours.overlap, 0.97 * ours.probe_overlap, 1.05 * ours.margin])
    answer, status, rival_seconds = solve_as_printed(start, alpha, theta, selection)
    overlap = float(answer[0])
    rival_error = math.acos(overlap) / math.pi if abs(overlap) <= 1 else math.nan
    row = {
        "selection": str(selection),
        "probe_angle_degrees": degrees,
        "alpha_prune": alpha,
        "generalization_error": ours.generalization_error,
        "residual": ours.residual,
        "milliseconds": 1e3 * seconds,
        "rival_milliseconds": 1e3 * rival_seconds,
        "speed_up": rival_seconds / seconds,
        "rival_says": status,
        "rival_error": rival_error,
        "rival_relative_error": abs(rival_error / ours.generalization_error - 1),
        "load_average": load(),
        "machine": description(),
    }
    print(", ".join(f"{name} {value:.3g}" if isinstance(value, float) else str(value) for name, value in row.items()))
    return row


def main() -> None:
    write_table(Path(__file__).with_name("theory_points.csv"), [compare_point(*point) for point in POINTS])


if __name__ == "__main__":
    main()
