"""Trials of the compiled engine over its domain: verified by which stage, and held against the CPU's exact solver.

    python benchmarks/device_domain.py                  # about 20 minutes on two cores; writes device_domain.csv
    python benchmarks/device_domain.py --cells 12 --theory 4

Random settings: α from 0.5 to 50, f from 0.05 to 1, θ from 0 to 30 degrees, N from 20 to 400, every rule. The rows of
every trial are fetched and solved by the CPU too: a trial is wrong if a direction, norm or margin differs by more than
1e-9. The theory is held against trials of their own, at points of its own; a row of those has a z-score.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
from machine import description

from perceptron_pruning import compare, simulate, use_compilation_cache
from perceptron_pruning.device.trials import DeviceSetting, fetched_rows, simulated_on_devices
from perceptron_pruning.observables import observables
from perceptron_pruning.output.tables import Row, write_table
from perceptron_pruning.students.training import train
from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    KeepWithProbability,
    Selection,
    Verified,
)

SIZES = ((20, 50.0), (20, 20.0), (20, 5.0), (20, 2.0), (20, 0.5), (50, 20.0), (50, 5.0), (50, 1.0), (100, 10.0))
LARGE = ((100, 2.0), (200, 0.5), (200, 2.0), (200, 5.0), (200, 20.0), (400, 2.0), (400, 5.0))  # fewer trials of these
WRONG = 1e-9


def gaussian(field: np.ndarray, label: np.ndarray) -> np.ndarray:
    """q = exp(−z²)."""
    return np.exp(-(field**2)) + 0 * label


def rules(fraction: float) -> list[Selection]:
    """Every rule, at about this fraction."""
    middle = 0.5 * (1 - fraction)
    return [
        KeepHardest(fraction),
        KeepHardest(fraction, label_aware=True),
        KeepEasiest(fraction),
        KeepEasiest(fraction, label_aware=True),
        KeepRandom(fraction),
        KeepBetween(middle, middle + fraction),
        KeepWindows(((0.0, 0.5 * fraction), (1 - 0.5 * fraction, 1.0))) if fraction < 1 else KeepRandom(),
        Calibrated(KeepHardest(fraction), 0.3),
        KeepWithProbability(gaussian),
        Verified(KeepHardest(fraction), 0.9, 0.5),
    ]


def cells(count: int) -> list[tuple[int, float, Selection, float, int]]:
    """(N, α, rule, θ in radians, trials) of random settings, the same for a count and all smaller ones."""
    rng = np.random.default_rng(0)
    made = []
    for index in range(count):
        sizes = LARGE if index % 3 == 2 else SIZES
        n_features, alpha = sizes[rng.integers(len(sizes))]
        choices = rules(float(rng.choice([0.05, 0.1, 0.2, 0.5, 0.8, 1.0])))
        rule = choices[rng.integers(len(choices))]
        angle = math.radians(float(rng.choice([0.0, 0.0, 5.0, 10.0, 20.0, 30.0])))
        made.append((n_features, alpha, rule, angle, 4 if sizes is LARGE else 32))
    return made


def domain_row(index: int, n_features: int, alpha: float, rule: Selection, angle: float, trials: int) -> Row:
    setting = DeviceSetting(
        selection=rule,
        probe_angle=angle,
        n_kept=round(alpha * n_features),
        n_features=n_features,
        seed=index,
        student="max_margin",
        label_noise=0.0,
    )
    begun = time.perf_counter()
    result = simulated_on_devices(setting, range(trials))
    seconds = time.perf_counter() - begun
    differences = [
        difference(result.observables, place, data) for place, data in enumerate(fetched_rows(setting, range(trials)))
    ]
    row = {"kind": "domain", "n_features": n_features, "alpha": alpha, "rule": text(rule)}
    row |= {"degrees": math.degrees(angle), "trials": trials, **result.verified_by}
    row |= {"largest_residual": float(np.nanmax(result.residuals, initial=0.0)), "difference": max(differences)}
    return row | {"wrong": sum(d > WRONG for d in differences), "seconds_with_compilation": seconds}


def difference(seen, place: int, data) -> float:
    """Largest difference of a trial's observables from those of the CPU's student, relative to 1 or to their size."""
    exact = observables(data, *train("max_margin", *data))
    ours = [value[place] for value in seen]
    pairs = [*zip(ours[:-1], exact[:-1], strict=True), *zip(ours[-1], exact.direction, strict=True)]
    return max(float(abs(a - b) / max(1.0, abs(b))) for a, b in pairs)


def text(rule: Selection) -> str:
    return "KeepWithProbability(exp(-z^2))" if isinstance(rule, KeepWithProbability) else repr(rule)


def theory_row(index: int, alpha: float, rule: Selection, degrees: float) -> Row:
    angle = math.radians(degrees)
    result = simulate(
        alpha, selection=rule, probe_angle=angle, n_features=60, n_trials=256, seed=10_000 + index, engine="jax"
    )
    held = compare(result)
    row = {"kind": "theory", "n_features": 60, "alpha": alpha, "rule": text(rule), "degrees": degrees, "trials": 256}
    row |= {**result.verified_by, "theory": held.theory, "simulated": held.simulated}
    return row | {"standard_error": held.standard_error, "z_score": held.z_score}


def theory_points() -> list[tuple[float, Selection, float]]:
    several = rules(0.3)
    return [(alpha, rule, degrees) for rule in several for alpha, degrees in ((1.0, 0.0), (2.0, 10.0), (4.0, 20.0))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--theory", type=int, default=30, help="points held against the theory")
    parser.add_argument("--cache", type=Path, help="directory of compiled programs")
    parser.add_argument("--table", type=Path, default=Path(__file__).with_suffix(".csv"))
    options = parser.parse_args()
    if options.cache:
        use_compilation_cache(options.cache)
    rows: list[Row] = []
    for index, cell in enumerate(cells(options.cells)):
        rows.append(domain_row(index, *cell))
        print({k: v for k, v in rows[-1].items() if k != "kind"}, flush=True)
        write_table(options.table, rows, comments=[summary(rows), description()], digits=6)
    for index, point in enumerate(theory_points()[: options.theory]):
        rows.append(theory_row(index, *point))
        print({k: v for k, v in rows[-1].items() if k != "kind"}, flush=True)
        write_table(options.table, rows, comments=[summary(rows), description()], digits=6)
    print(summary(rows))


def summary(rows: list[Row]) -> str:
    domain = [row for row in rows if row["kind"] == "domain"]
    trials, helped = (sum(row[name] for row in domain) for name in ("trials", "cpu"))
    wrong = sum(row["wrong"] for row in domain)
    z = [abs(row["z_score"]) for row in rows if row["kind"] == "theory"]
    share = 100 * (1 - helped / max(1, trials))
    held = f"; theory: {len(z)} points, largest |z| {max(z, default=0.0):.2f}"
    return f"{trials} trials, {share:.3f} % verified before the CPU's help, {wrong} wrong" + held


if __name__ == "__main__":
    main()
