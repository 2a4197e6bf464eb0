"""Pools of N = 400 pruned by probes of their own, simulated at random settings, against their theory.

    python benchmarks/trained_probe_simulation.py [settings] [seed]    # 50 take about half an hour of one core

Every rule that keeps a number by rank, every probe and student; α_total .8 to 8, keep fraction .15 to .95, ridges .01
to 3 and ∞, share .2 to 1, label noise 0 to .2; 60 pools each. The finite-size term of the mean error is measured at
N = 100 and 200 on other draws, as `compare` does. Beside it stands the theory of a probe that knows nothing of the
pool, at the angle that this one reaches. Printed: the root mean square of z for both, and the largest. Writes
trained_probe_simulation.csv.
"""

import math
import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from machine import description
from tqdm import tqdm
from trained_probe_domain import Setting, random_rule

from perceptron_pruning import compare, simulate
from perceptron_pruning.comparison import student_error
from perceptron_pruning.output.tables import Row, write_table
from replica_theory import EmpiricalRisk, KeepWithProbability, Selection, TrainedProbe, Verified

SETTINGS, SEED = 50, 77
N_FEATURES, N_TRIALS = 400, 60
PROBES = ("square", "logistic", "hinge", "squared_hinge")
STUDENTS = ("square", "logistic", "hinge", "squared_hinge", "max_margin")


def random_setting(rng: np.random.Generator) -> Setting:
    """Logarithmic in α, fraction and ridges."""

    def logarithmic(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(math.log(low), math.log(high))))

    ridge = math.inf if rng.random() < 0.1 else logarithmic(0.01, 3.0)
    share = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.2, 1.0))
    noise = 0.0 if rng.random() < 0.6 else float(rng.uniform(0.0, 0.2))
    return Setting(
        alpha_total=logarithmic(0.8, 8.0),
        probe=TrainedProbe(str(rng.choice(PROBES)), ridge, share),  # pyright: ignore[reportArgumentType]
        selection=ranked_rule(rng, logarithmic(0.15, 0.95)),
        student=str(rng.choice(STUDENTS if noise == 0 else STUDENTS[:-1])),
        ridge=logarithmic(0.01, 3.0),
        label_noise=noise,
    )


def ranked_rule(rng: np.random.Generator, fraction: float) -> Selection:
    """One that keeps a number by rank, as pools of a probe's own are pruned."""
    while isinstance(rule := random_rule(rng, fraction), (KeepWithProbability, Verified)):
        pass
    return rule


def measured(setting: Setting, seed: int) -> Row:
    """A setting's simulation beside both theories."""
    fraction = setting.selection.kept_distribution(math.pi / 8, setting.label_noise).keep_fraction
    student = "max_margin" if setting.student == "max_margin" else EmpiricalRisk(setting.student, setting.ridge)  # pyright: ignore[reportArgumentType]
    cell = simulate(
        setting.alpha_total * fraction,
        selection=setting.selection,
        probe=setting.probe,
        student=student,
        label_noise=setting.label_noise,
        n_features=N_FEATURES,
        n_trials=N_TRIALS,
        seed=seed,
    )
    held = compare(cell)
    angle = float(cell.probe_angles.mean())
    alone = student_error(
        np.array([cell.alpha_prune]),
        student=student,
        selection=setting.selection,
        probe_angle=angle,
        label_noise=setting.label_noise,
    )
    foreign = replace(held, theory=float(alone[0]))
    return {
        "alpha_total": setting.alpha_total,
        "probe": repr(setting.probe),
        "rule": repr(setting.selection),
        "student": repr(student),
        "label_noise": setting.label_noise,
        "theory": held.theory,
        "simulation": held.simulated,
        "standard_error": held.standard_error,
        "finite_size": held.finite_size,
        "finite_size_error": held.finite_size_error,
        "z_score": held.z_score,
        "theory_of_a_foreign_probe": foreign.theory,
        "z_score_of_a_foreign_probe": foreign.z_score,
        "n_features": N_FEATURES,
        "n_trials": N_TRIALS,
        "seed": seed,
        "machine": description(),
    }


def main(count: int, seed: int) -> None:
    rng, rows = np.random.default_rng(seed), []
    for number in tqdm(range(count), disable=None):
        rows.append(measured(random_setting(rng), 1000 * seed + number))
        write_table(Path(__file__).with_suffix(".csv"), rows)
    for name in ("z_score", "z_score_of_a_foreign_probe"):
        z = np.array([row[name] for row in rows])
        print(f"{name}: rms {np.sqrt(np.mean(z**2)):.2f}, largest |z| {np.abs(z).max():.2f}, of {z.size} settings")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else SETTINGS,
        int(sys.argv[2]) if len(sys.argv) > 2 else SEED,
    )
