"""Students in N = 20 and 50 dimensions against the finite-size term, which is derived and has no constant to fit.

Random settings (rule, fraction, labels seen or not, θ, α; for other students loss, ridge and label noise), many trials
each; among them cells of few mistakes, where an imperfect probe keeps the easiest. The table has a row for each
quantity of each setting and size: N (simulated − theory)/theory, its standard error, what is expected of it and of
which parts, and the standard deviation between trials beside the predicted one. Printed for each kind, quantity and
size: how z = (simulated − theory − term)/standard error is distributed without an error of the term and with it; and
the factor of (term)²/theory that makes z a standard normal, by maximum likelihood, which `NEXT_ORDER` declares.

    python benchmarks/finite_size.py        # about fifteen minutes of one core
"""

import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Literal, cast

import numpy as np
from machine import description
from scipy.optimize import minimize_scalar
from scipy.stats import kstest, shapiro
from tqdm import tqdm

from perceptron_pruning import simulate
from perceptron_pruning.comparison import STEEP, student_error, student_finite_size
from perceptron_pruning.finite_size import FiniteSizeTerm, Statistic, estimate, value_and_slope
from perceptron_pruning.output.tables import Row, write_table
from perceptron_pruning.simulation import SimulationResult
from perceptron_pruning.students.training import Student
from replica_theory import EmpiricalRisk, KeepBetween, KeepEasiest, KeepHardest, KeepRandom
from replica_theory.finite_size import FiniteSize, Quantity
from replica_theory.losses import LossName
from replica_theory.selection import Selection

Kind = Literal["max_margin", "few_mistakes", "losses"]

N_SETTINGS: dict[Kind, int] = {"max_margin": 100, "few_mistakes": 60, "losses": 100}
N_TRIALS = {20: 1500, 50: 500}  # by N
QUANTITIES: dict[Kind, tuple[Quantity, ...]] = {
    "max_margin": ("error", "probe_angle", "margin"),
    "few_mistakes": ("error", "probe_angle", "margin"),
    "losses": ("error",),
}
SEED = 2024
DEGREES, DEGREES_OF_MISTAKES = (0, 0, 5, 10, 20, 30, 45), (10, 15, 20, 30)
SMALLEST, LARGEST = 0.3, 15.0  # α


def main() -> None:
    rng = np.random.default_rng(SEED)
    settings: list[tuple[Kind, int]] = [(kind, index) for kind, number in N_SETTINGS.items() for index in range(number)]
    rows = [row for kind, index in tqdm(settings) for row in measured(kind, index, rng)]
    write_table(Path(__file__).with_suffix(".csv"), rows)
    for kind, n_features in product(N_SETTINGS, N_TRIALS):
        for quantity in QUANTITIES[kind]:
            place = {"kind": kind, "quantity": quantity, "n_features": n_features}
            print(*place.values(), report([row for row in rows if place.items() <= row.items()]))
    for n_features in N_TRIALS:
        print(
            "all errors",
            n_features,
            report([r for r in rows if (r["quantity"], r["n_features"]) == ("error", n_features)]),
        )


def measured(kind: Kind, index: int, rng: np.random.Generator) -> Iterator[Row]:
    """All quantities of one random setting, at every size."""
    rule, degrees, alpha = a_rule(kind, rng), an_angle(kind, rng), a_size(rng)
    student, noise = a_student(rng) if kind == "losses" else ("max_margin", 0.0)
    setting = {"selection": rule, "probe_angle": math.radians(degrees), "label_noise": noise, "student": student}
    where: Row = {
        "kind": kind,
        "student": repr(student),
        "rule": repr(rule),
        "probe_angle_degrees": degrees,
        "alpha_prune": alpha,
        "label_noise": noise,
    }
    for n_features, n_trials in N_TRIALS.items():
        trials = simulate(alpha, **setting, n_features=n_features, n_trials=n_trials, seed=SEED + index)
        _, slope = value_and_slope(lambda alphas: student_error(alphas, **setting), alpha)
        statistic: Statistic = "median" if abs(slope) > STEEP else "mean"
        for quantity in QUANTITIES[kind]:
            expected = student_finite_size(alpha, n_features=n_features, quantity=quantity, **setting)
            yield where | difference(values_of(trials, quantity), expected, statistic, quantity)


def values_of(trials: SimulationResult, quantity: Quantity) -> np.ndarray:
    if quantity == "margin":
        return trials.margin
    return trials.generalization_error if quantity == "error" else np.arccos(trials.probe_overlap) / math.pi


def difference(values: np.ndarray, expected: FiniteSize, statistic: Statistic, quantity: Quantity) -> Row:
    """What was found of a quantity and what was expected, in units of its theory over N."""
    value, standard_error = estimate(values, statistic)
    term = FiniteSizeTerm.of(expected, statistic)
    scale = expected.n_features / expected.value
    return {
        "quantity": quantity,
        "statistic": statistic,
        "n_features": expected.n_features,
        "theory": expected.value,
        "difference": scale * (value - expected.value),
        "standard_error": scale * standard_error,
        "expected": scale * term.value,
        "uncertainty": scale * term.error,
        "density": scale * expected.density_shift,
        "pool": scale * expected.pool_shift,
        "mistakes": scale * expected.mistakes_shift,
        "standard_deviation": float(values.std(ddof=1)),
        "expected_standard_deviation": expected.standard_deviation,
        "residual": expected.residual,
        "n_trials": values.size,
        "seed": SEED,
        "machine": description(),
    }


def report(rows: list[Row]) -> str:
    """How z is distributed, and the size of the next order."""
    left, noise, term, declared, n_features = (
        np.array([row[name] for row in rows], dtype=float)
        for name in ("difference", "standard_error", "expected", "uncertainty", "n_features")
    )
    left -= term
    square = term**2 / n_features  # (term)²/theory, in the table's units

    def unlikelihood(log_factor: float) -> float:
        variance = noise**2 + (math.exp(log_factor) * square) ** 2
        return float(np.sum(left**2 / variance + np.log(variance)))

    factor = math.exp(minimize_scalar(unlikelihood, bounds=(-6.0, 3.0), method="bounded").x)
    z, alone = left / np.hypot(noise, declared), left / noise
    spread = np.median([row["standard_deviation"] / row["expected_standard_deviation"] for row in rows])
    return (
        f"{z.size} settings: without an error of the term rms z {math.sqrt(np.mean(alone**2)):.2f}, "
        f"median |z| {np.median(np.abs(alone)):.2f}; with it {scatter(z)}; next order {factor:.2f} (term)²/theory; "
        f"standard deviation of trials {spread:.3f} of the expected"
    )


def scatter(z: np.ndarray) -> str:
    return (
        f"mean {z.mean():+.2f}, standard deviation {z.std(ddof=1):.2f}, Shapiro p {shapiro(z).pvalue:.2g}, "
        f"Kolmogorov–Smirnov p {kstest(z, 'norm').pvalue:.2g}, largest {np.abs(z).max():.1f}"
    )


def a_rule(kind: Kind, rng: np.random.Generator) -> Selection:
    if kind == "few_mistakes":
        return KeepEasiest(float(rng.uniform(0.15, 0.6)))
    choice, fraction, aware = rng.random(), float(np.exp(rng.uniform(math.log(0.1), 0))), bool(rng.random() < 0.25)
    if choice < 0.45:
        return KeepHardest(fraction, label_aware=aware)
    if choice < 0.7:
        return KeepEasiest(fraction, label_aware=aware)
    if choice < 0.85:
        return KeepRandom(fraction)
    lower = float(rng.uniform(0, 0.7))
    return KeepBetween(lower, lower + float(rng.uniform(0.1, 1 - lower)), label_aware=aware)


def an_angle(kind: Kind, rng: np.random.Generator) -> float:
    return float(rng.choice(DEGREES_OF_MISTAKES if kind == "few_mistakes" else DEGREES))


def a_size(rng: np.random.Generator) -> float:
    """α with a whole number of examples at every N, multiples of 10."""
    return max(1, round(10 * float(np.exp(rng.uniform(math.log(SMALLEST), math.log(LARGEST)))))) / 10


def a_student(rng: np.random.Generator) -> tuple[Student, float]:
    loss = cast(LossName, str(rng.choice(["square", "logistic", "hinge", "squared_hinge"])))
    ridge = rng.choice([0.005, 0.02, 0.1, 0.5])
    return EmpiricalRisk(loss, ridge=float(ridge)), float(rng.choice([0, 0, 0.05, 0.2]))


if __name__ == "__main__":
    main()
