"""How far simulations in N = 50 dimensions are off the theory of N → ∞, and what `finite_size` expects of them.

Random settings (rule, fraction, labels seen or not, θ, α; for other students loss, ridge and label noise), many trials
each. The table has a row for each quantity of each setting: N times its bias over the theory's value, the standard
error of that, and the bias that the law expects. Printed: the law that fits these settings best, and what it and the
law in use leave, as root-mean-square over 1 + |d ln q/d ln α| + |d²q/d ln α²|/q, less the noise.

    python benchmarks/finite_size.py        # about ten minutes on two cores
"""

import math
from pathlib import Path
from typing import cast

import numpy as np
from machine import description
from tqdm import tqdm

from perceptron_pruning import simulate
from perceptron_pruning.comparison import STEEP, student_error
from perceptron_pruning.finite_size import (
    OF_ERRORS,
    OF_MARGINS,
    OF_PROBE_ANGLES,
    FiniteSizeLaw,
    LocalCurve,
    Statistic,
    estimate,
)
from perceptron_pruning.output.tables import Row, write_table
from perceptron_pruning.students.training import Student
from replica_theory import EmpiricalRisk, KeepBetween, KeepEasiest, KeepHardest, KeepRandom, max_margin
from replica_theory.losses import LossName
from replica_theory.selection import Selection

N_FEATURES, N_SETTINGS, SEED = 50, 100, 0
N_TRIALS = {"max_margin": 2000, "losses": 1000}
DEGREES = (0, 0, 5, 10, 20, 40, 70)
LAWS = {"error": OF_ERRORS, "probe_angle": OF_PROBE_ANGLES, "margin": OF_MARGINS}


def main() -> None:
    rng = np.random.default_rng(SEED)
    rows = [row for kind in N_TRIALS for index in tqdm(range(N_SETTINGS), kind) for row in measured(kind, index, rng)]
    write_table(Path(__file__).with_suffix(".csv"), rows)
    for kind in N_TRIALS:
        for quantity, law in LAWS.items():
            for statistic in ("mean", "median"):
                chosen = [r for r in rows if (r["kind"], r["quantity"], r["statistic"]) == (kind, quantity, statistic)]
                if len(chosen) > 2:
                    print(kind, quantity, statistic, len(chosen), report(chosen, law))


def measured(kind: str, index: int, rng: np.random.Generator) -> list[Row]:
    """All quantities of one random setting."""
    rule, angle, alpha = a_rule(rng), math.radians(rng.choice(DEGREES)), a_size(rng)
    student, noise = a_student(rng) if kind == "losses" else ("max_margin", 0.0)
    setting = {"selection": rule, "probe_angle": angle}
    trials = simulate(
        alpha,
        **setting,
        n_features=N_FEATURES,
        n_trials=N_TRIALS[kind],
        seed=SEED + index,
        student=student,
        label_noise=noise,
    )

    def errors(alphas: np.ndarray) -> np.ndarray:
        return student_error(alphas, student=student, **setting, label_noise=noise)

    found = {"error": (trials.generalization_error, errors)}
    if kind == "max_margin":
        found["probe_angle"] = (
            np.arccos(trials.probe_overlap),
            lambda alphas: np.arccos(max_margin(alphas, **setting).probe_overlap),
        )
        found["margin"] = trials.margin, lambda alphas: max_margin(alphas, **setting).margin
    where: Row = {
        "kind": kind,
        "student": repr(student),
        "rule": repr(rule),
        "probe_angle_degrees": math.degrees(angle),
        "alpha_prune": alpha,
        "label_noise": noise,
    }
    return [
        where | bias(values, LocalCurve.of(theory, alpha), LAWS[quantity], quantity)
        for quantity, (values, theory) in found.items()
    ]


def bias(values: np.ndarray, curve: LocalCurve, law: FiniteSizeLaw, quantity: str) -> Row:
    statistic: Statistic = "median" if abs(curve.slope) > STEEP else "mean"
    value, standard_error = estimate(values, statistic)
    expected, uncertainty = law.bias(curve, N_FEATURES, statistic)
    scale = N_FEATURES / curve.value
    return {
        "quantity": quantity,
        "statistic": statistic,
        "theory": curve.value,
        "slope": curve.slope,
        "curvature": curve.second / curve.value,
        "bias": scale * (value - curve.value),
        "standard_error": scale * standard_error,
        "expected": scale * expected,
        "uncertainty": scale * uncertainty,
        "n_features": N_FEATURES,
        "n_trials": values.size,
        "seed": SEED,
        "machine": description(),
    }


def report(rows: list[Row], law: FiniteSizeLaw) -> str:
    """The best fit, and what it and the law in use leave."""
    slope, curvature, found, noise, expected = (
        np.array([row[name] for row in rows]) for name in ("slope", "curvature", "bias", "standard_error", "expected")
    )
    size = 1 + np.abs(slope) + np.abs(curvature)
    weights = 1 / np.hypot(noise, law.remainder * size)
    terms = np.stack([slope, curvature] if rows[0]["statistic"] == "mean" else [slope], axis=1)
    fitted, *_ = np.linalg.lstsq(terms * weights[:, None], found * weights, rcond=None)

    def left(residual: np.ndarray) -> str:
        excess = np.mean((residual**2 - noise**2) / size**2)
        return f"rms {math.sqrt(max(excess, 0.0)):.3f}, largest {np.abs(residual / size).max():.2f}"

    return (
        f"best shift and scatter {np.round(fitted, 2)}, {left(found - terms @ fitted)}; in use: {law}, "
        f"{left(found - expected)}"
    )


def a_rule(rng: np.random.Generator) -> Selection:
    kind, fraction, aware = rng.random(), float(np.exp(rng.uniform(math.log(0.1), 0))), bool(rng.random() < 0.25)
    if kind < 0.45:
        return KeepHardest(fraction, label_aware=aware)
    if kind < 0.7:
        return KeepEasiest(fraction, label_aware=aware)
    if kind < 0.85:
        return KeepRandom(fraction)
    lower = float(rng.uniform(0, 0.7))
    return KeepBetween(lower, lower + float(rng.uniform(0.1, 1 - lower)), label_aware=aware)


def a_size(rng: np.random.Generator) -> float:
    """α from .4 to 8 with a whole number of examples."""
    return round(N_FEATURES * float(np.exp(rng.uniform(math.log(0.4), math.log(8))))) / N_FEATURES


def a_student(rng: np.random.Generator) -> tuple[Student, float]:
    loss = cast(LossName, str(rng.choice(["square", "logistic", "hinge", "squared_hinge"])))
    return EmpiricalRisk(loss, ridge=float(rng.choice([0.005, 0.02, 0.1, 0.5, 2.0]))), float(
        rng.choice([0, 0, 0.05, 0.2])
    )


if __name__ == "__main__":
    main()
