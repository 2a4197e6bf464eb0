"""empirical_risk against damped state evolution with scipy's quad, and over random pruned settings.

    python benchmarks/theory_students.py       # writes theory_students.csv and theory_students_points.csv, a minute

Both solve for the same students of random data in the same run, one thread, in seconds of the processor. The
second table has what the rival cannot do: pruned, noisy data at random parameters.
"""

import math
import time
from pathlib import Path

import numpy as np
from machine import description, load
from state_evolution import fixed_point, logistic, square
from theory_points import fastest

from perceptron_pruning.reproduction.tables import Row, write_table
from replica_theory import KeepEasiest, KeepHardest, KeepRandom, empirical_risk

RIVALS = {"logistic": logistic, "square": square}
POINTS = [("logistic", 0.5), ("logistic", 2.0), ("logistic", 5.0), ("square", 0.5), ("square", 5.0)]
RIDGE = 0.1
LOSSES = ["square", "logistic", "hinge", "squared_hinge"]
SETTINGS = 150


def compare_point(loss: str, alpha: float) -> Row:
    """One row: times of both, and how far apart they are."""
    ours, seconds = fastest(lambda: empirical_risk(alpha, loss=loss, ridge=RIDGE, selection=KeepRandom()), 9)
    begun = time.process_time()
    error, iterations = fixed_point(RIVALS[loss], alpha=alpha, ridge=RIDGE)
    rival_seconds = time.process_time() - begun
    row: Row = {
        "loss": loss,
        "alpha_prune": alpha,
        "ridge": RIDGE,
        "generalization_error": float(ours.generalization_error),
        "residual": float(ours.residual),
        "milliseconds": 1e3 * seconds,
        "rival_milliseconds": 1e3 * rival_seconds,
        "speed_up": rival_seconds / seconds,
        "rival_iterations": iterations,
        "rival_relative_error": abs(error / float(ours.generalization_error) - 1),
        "load_average": load(),
        "machine": description(),
    }
    print(", ".join(f"{name} {value:.3g}" if isinstance(value, float) else str(value) for name, value in row.items()))
    return row


def random_points(loss: str) -> Row:
    """Times and residuals of one loss at random α, ridge, rule, fraction, angle and label noise."""
    rng = np.random.default_rng(9)
    seconds, residuals = [], []
    for _ in range(SETTINGS):
        rule = (KeepHardest, KeepEasiest)[rng.integers(2)](10 ** rng.uniform(-1.5, 0), bool(rng.integers(2)))
        setting = {
            "ridge": 10 ** rng.uniform(-6, 2),
            "selection": rule,
            "probe_angle": math.radians(rng.uniform(0, 90)),
            "label_noise": float(rng.choice([0.0, 0.1])),
        }
        alpha = 10 ** rng.uniform(-1, 2)
        solution, least = fastest(lambda a=alpha, s=setting: empirical_risk(a, loss=loss, **s), 2)
        seconds.append(least)
        residuals.append(float(solution.residual))
    row: Row = {
        "loss": loss,
        "settings": SETTINGS,
        "median_milliseconds": 1e3 * float(np.median(seconds)),
        "90_percent_milliseconds": 1e3 * float(np.quantile(seconds, 0.9)),
        "most_milliseconds": 1e3 * max(seconds),
        "median_residual": float(np.median(residuals)),
        "largest_residual": max(residuals),
        "load_average": load(),
        "machine": description(),
    }
    print(", ".join(f"{name} {value:.3g}" if isinstance(value, float) else str(value) for name, value in row.items()))
    return row


def main() -> None:
    here = Path(__file__).parent
    write_table(here / "theory_students.csv", [compare_point(*point) for point in POINTS])
    write_table(here / "theory_students_points.csv", [random_points(loss) for loss in LOSSES])


if __name__ == "__main__":
    main()
