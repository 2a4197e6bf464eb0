"""empirical_risk against damped state evolution with scipy's quad, and over random pruned settings.

    python benchmarks/theory_students.py       # writes theory_students.csv and theory_students_points.csv, 2 minutes

Both solve for the same students of random data in the same run, one thread, in seconds of the processor. GCMProject,
the public code of the field, is on no package registry: the rival is our own writing of its iteration (see
`state_evolution`). The second table has what the rival cannot do: pruned, noisy data at random parameters, one
cold call each; the limits ridge → 0 and ∞; curves of a hundred α; and what stands on such students.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import description, load
from state_evolution import fixed_point, logistic, square
from theory_points import fastest

from perceptron_pruning.output.tables import Row, write_table
from replica_theory import (
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    SaddlePointError,
    Selection,
    bayes_optimal,
    curated_risk,
    empirical_risk,
    optimal_ridge,
    separability_threshold,
)
from replica_theory.losses import LossName

RIVALS = {"logistic": logistic, "square": square}
POINTS: list[tuple[LossName, float]] = [
    ("logistic", 0.5),
    ("logistic", 2.0),
    ("logistic", 5.0),
    ("square", 0.5),
    ("square", 5.0),
]
RIDGE = 0.1
LOSSES: list[LossName] = ["square", "logistic", "hinge", "squared_hinge"]
SETTINGS = 300
FEWER = 40  # of what takes longer
CURVE = np.geomspace(0.1, 100.0, 100)


def compare_point(loss: LossName, alpha: float) -> Row:
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


def random_rule(rng: np.random.Generator) -> Selection:
    fraction, aware = 10 ** rng.uniform(-2, 0), bool(rng.integers(2))
    kind = rng.integers(8)
    if kind == 0:
        return KeepRandom(fraction)
    if kind == 1:
        lower = rng.uniform(0, 1 - fraction)
        return KeepBetween(lower, min(1.0, lower + fraction), aware)
    return (KeepHardest if kind < 5 else KeepEasiest)(fraction, aware)


def random_setting(rng: np.random.Generator) -> dict[str, Any]:
    """Rule, angle and label noise: perfect and useless probes, angles uniform in size or in magnitude."""
    degrees = rng.choice([0.0, 90.0, rng.uniform(0, 90), 10 ** rng.uniform(-3, 1.95)], p=[0.2, 0.05, 0.45, 0.3])
    return {
        "selection": random_rule(rng),
        "probe_angle": math.radians(degrees),
        "label_noise": float(rng.choice([0.0, 0.05, 0.2, 0.5])),
    }


def measured(what: str, ridge: str, call: Callable[[np.random.Generator], Callable[[], Any]], settings: int) -> Row:
    """Times, residuals and refusals of a call at random settings; least of two runs each, after one not counted."""
    rng = np.random.default_rng(9)
    seconds, residuals, unverified, excluded = [], [0.0], 0, 0
    for _ in range(settings):
        work = call(rng)
        try:
            solution, least = fastest(work, 2)
        except SaddlePointError:
            unverified += 1
        except ValueError:  # a logistic student of separable labels, ridge 0, does not exist
            excluded += 1
        else:
            seconds.append(least)
            residuals.append(float(np.max(getattr(solution, "residual", 0.0))))
    return {
        "what": what,
        "ridge": ridge,
        "settings": settings,
        "without_minimum": excluded,
        "refused": unverified,
        "median_milliseconds": 1e3 * float(np.median(seconds)),
        "90_percent_milliseconds": 1e3 * float(np.quantile(seconds, 0.9)),
        "99_percent_milliseconds": 1e3 * float(np.quantile(seconds, 0.99)),
        "most_milliseconds": 1e3 * max(seconds),
        "largest_residual": max(residuals),
        "load_average": load(),
        "machine": description(),
    }


def risk_call(loss: LossName, ridge: float | None) -> Callable[[np.random.Generator], Callable[[], Any]]:
    """Students at random α, and at random ridges unless one is given."""

    def call(rng: np.random.Generator) -> Callable[[], Any]:
        setting, alpha = random_setting(rng), 10 ** rng.uniform(-1, 2)
        chosen = 10 ** rng.uniform(-6, 2) if ridge is None else ridge
        return lambda: empirical_risk(alpha, loss=loss, ridge=chosen, **setting)

    return call


def curve_call(loss: LossName) -> Callable[[np.random.Generator], Callable[[], Any]]:
    def call(rng: np.random.Generator) -> Callable[[], Any]:
        setting, ridge = random_setting(rng), 10 ** rng.uniform(-6, 2)
        return lambda: empirical_risk(CURVE, loss=loss, ridge=ridge, **setting)

    return call


def best_ridge(loss: LossName) -> Callable[[np.random.Generator], Callable[[], Any]]:
    def call(rng: np.random.Generator) -> Callable[[], Any]:
        setting, alpha = random_setting(rng), 10 ** rng.uniform(-1, 2)
        return lambda: optimal_ridge(alpha, loss=loss, **setting)

    return call


def threshold(rng: np.random.Generator) -> Callable[[], Any]:
    setting = random_setting(rng)
    return lambda: separability_threshold(**setting)


def curated(rng: np.random.Generator) -> Callable[[], Any]:
    angles = {"generator_angle": rng.uniform(0, 1.5), "oracle_angle": rng.uniform(0, 1.5)}
    rule, alpha = random_rule(rng), 10 ** rng.uniform(0, 2)
    return lambda: curated_risk(alpha, loss="logistic", ridge=0.1, selection=rule, **angles).student


def floor_of(knows: Any) -> Callable[[np.random.Generator], Callable[[], Any]]:
    def call(rng: np.random.Generator) -> Callable[[], Any]:
        setting, alpha = random_setting(rng), 10 ** rng.uniform(-1, 2)
        del setting["label_noise"]
        return lambda: bayes_optimal(alpha, knows=knows, **setting)

    return call


def tables() -> list[Row]:
    plan = [(loss, "1e-6 to 100", risk_call(loss, None), SETTINGS) for loss in LOSSES]
    plan += [(loss, str(ridge), risk_call(loss, ridge), FEWER) for loss in LOSSES for ridge in (0.0, math.inf)]
    plan += [(f"{loss}, curve of {CURVE.size} α", "1e-6 to 100", curve_call(loss), 8) for loss in LOSSES]
    plan += [(f"optimal_ridge, {loss}", "best", best_ridge(loss), 8) for loss in LOSSES[:3]]
    plan += [("separability_threshold", "", threshold, FEWER), ("curated_risk, logistic", "0.1", curated, FEWER)]
    plan += [(f"bayes_optimal, {knows}", "", floor_of(knows), FEWER) for knows in ("probe", "rule")]
    rows = []
    for one in plan:
        rows.append(measured(*one))
        shown = list(rows[-1].values())[:-2]
        print(*(f"{value:.3g}" if isinstance(value, float) else value for value in shown), flush=True)
    return rows


def main() -> None:
    here = Path(__file__).parent
    write_table(here / "theory_students.csv", [compare_point(*point) for point in POINTS])
    write_table(here / "theory_students_points.csv", tables())


if __name__ == "__main__":
    main()
