"""The solver on random problems of the whole domain: counts of right answers, wrong answers and failures.

    OPENBLAS_NUM_THREADS=1 python benchmarks/solver_correctness.py            # writes solver_correctness.csv
    OPENBLAS_NUM_THREADS=1 python benchmarks/solver_correctness.py --seed 7   # other problems, printed

Feasible problems have a teacher with a margin. Their answers are checked from scratch, in extended precision: λ ≥ 0,
w = Aᵀλ, A w ≥ 1 − 1e-9 and Σ λ = ‖w‖² to 1e-9, which together prove optimality. Of the others an answer is right if it
agrees with HiGHS about the sign of the largest margin; a refusal must carry a certificate.
"""

import argparse
import time
from itertools import count
from pathlib import Path

import numpy as np
from machine import description
from scipy.optimize import linprog

from perceptron_pruning import InaccurateError, InfeasibleError, fit_max_margin
from perceptron_pruning.output.tables import write_table
from perceptron_pruning.sampling import pruned_data
from replica_theory import KeepHardest

LARGEST = 400_000  # entries of the inputs
FAMILIES = ("gaussian", "squeezed", "pruned", "signs", "duplicates", "subspace", "uneven lengths", "nearly parallel")


def shape(rng: np.random.Generator) -> tuple[int, int]:
    """(P, N), with N log-uniform in [2, 2000] and P/N in [0.1, 200], small enough for thousands of problems."""
    while True:
        features = round(2 * 1000 ** rng.random())
        examples = max(1, round(features * 0.1 * 2000 ** rng.random()))
        if features * examples <= LARGEST:
            return examples, features


def feasible(family: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    examples, features = shape(rng)
    if family == "pruned":
        features = max(features, 3)
        rule, angle = KeepHardest(0.02 + 0.98 * rng.random()), rng.random()
        seed = int(rng.integers(2**31))
        x, y, _ = pruned_data(rule, probe_angle=angle, n_kept=examples, n_features=features, seed=seed, trial=0)
    elif family == "signs":  # a vote of an odd number of coordinates
        x = np.where(rng.random((examples, features)) < 0.5, 1.0, -1.0)
        y = np.sign(x[:, : 2 * int(rng.integers((features + 1) // 2)) + 1].sum(1))
    else:
        x = rng.standard_normal((examples, features))
        if family == "duplicates":
            x = x[rng.integers(examples, size=examples)]
        if family == "subspace":
            rank = max(1, features // 3)
            x = x[:, :rank] @ rng.standard_normal((rank, features))
        if family == "uneven lengths":
            x *= 10 ** rng.uniform(-2, 2, (examples, 1))
        if family == "nearly parallel":
            x = x[:1] + 1e-2 * x
        teacher = rng.standard_normal(features)
        field = x @ teacher / np.linalg.norm(teacher)
        y = np.where(field >= 0, 1.0, -1.0)
        distance = 1e-3 * np.sqrt(np.mean(x * x) * features)  # of every example from the teacher's boundary
        squeezed = field * (0.03 if family == "squeezed" else 1.0)
        moved = y * np.maximum(np.abs(squeezed), distance) - field
        x = x + np.outer(moved, teacher / np.linalg.norm(teacher))
    return x * 10.0 ** rng.integers(-8, 9), y


def judge_feasible(x: np.ndarray, y: np.ndarray) -> str:
    try:
        fit = fit_max_margin(x, y)
    except (InfeasibleError, InaccurateError) as error:
        return f"failure ({type(error).__name__})"
    scale = np.longdouble(np.sqrt(np.mean(np.sum(x * x, axis=1))))
    rows = x.astype(np.longdouble) * y[:, None] / scale
    weights, dual = fit.weights.astype(np.longdouble) * scale, fit.dual.astype(np.longdouble) * scale**2
    square = weights @ weights
    right = (
        dual.min() >= 0
        and (rows @ weights).min() >= 1 - 1e-9
        and abs(1 - dual.sum() / square) <= 1e-9
        and np.linalg.norm((dual @ rows - weights).astype(float)) <= 1e-9 * np.sqrt(float(square))
    )
    return "right" if right else "wrong"


def doubtful(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random labels near capacity, or one example moved across the boundary that the others leave free."""
    features = int(rng.integers(2, 41))
    if rng.random() < 0.5:
        x = rng.standard_normal((round(features * rng.uniform(1.2, 3)), features))
        return x, np.where(rng.random(len(x)) < 0.5, 1.0, -1.0)
    x = rng.standard_normal((2 * features, features))
    y = np.where(x[:, 0] >= 0, 1.0, -1.0)
    combination = (rng.random(len(x)) * y) @ x
    past = 10.0 ** rng.uniform(-5, -1) * rng.choice([-1, 1])
    across = rng.standard_normal(features)
    extra = -combination / np.linalg.norm(combination) + past * across * np.sign(across[0])
    return np.vstack([x, extra]), np.append(y, 1.0)


def judge_doubtful(x: np.ndarray, y: np.ndarray) -> str:
    rows, features = x * y[:, None], x.shape[1]
    system = np.hstack([-rows, np.ones((len(rows), 1))])  # A w ≥ t, |w| ≤ 1, largest t
    bounds = [(-1, 1)] * features + [(None, None)]
    programme = linprog(np.append(np.zeros(features), -1.0), A_ub=system, b_ub=np.zeros(len(rows)), bounds=bounds)
    separable = programme.x[-1] > 1e-9
    try:
        verdict = fit_max_margin(x, y).violation <= 1e-9
    except InfeasibleError as refusal:
        certificate = refusal.certificate
        length = np.linalg.norm(certificate @ rows) / np.sqrt(np.mean(np.sum(rows * rows, axis=1)))
        proven = certificate.min() >= 0 and abs(certificate.sum() - 1) < 1e-9 and length <= 1e-7
        return ("wrong" if separable else "right, infeasible") if proven else "wrong (no certificate)"
    except InaccurateError:
        return "failure (InaccurateError)"
    return "right, separable" if verdict and separable else "wrong"


def campaign(kind: str, n_problems: int, draw, judge, seed: int) -> list[dict]:
    counts, slowest = {}, 0.0
    for number in range(n_problems):
        x, y = draw(np.random.default_rng([seed, number]))
        start = time.perf_counter()
        outcome = judge(x, y)
        slowest = max(slowest, time.perf_counter() - start)
        counts[outcome] = counts.get(outcome, 0) + 1
        if outcome.startswith(("wrong", "failure")):
            print(f"{kind} {number}: {outcome}, shape {x.shape}", flush=True)
    rows = [{"problems": kind, "outcome": outcome, "count": number} for outcome, number in sorted(counts.items())]
    print(kind, counts, f"slowest {slowest:.2g} s", flush=True)
    return [row | {"slowest_seconds": slowest, "machine": description()} for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0, help="of the problems")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    table, seeds = [], count(given.seed * (len(FAMILIES) + 1))
    for family, seed in zip(FAMILIES, seeds, strict=False):
        table += campaign(
            f"feasible, {family}",
            round(250 * given.share),
            lambda rng, f=family: feasible(f, rng),
            judge_feasible,
            seed,
        )
    table += campaign("infeasible or nearly", round(400 * given.share), doubtful, judge_doubtful, next(seeds))
    if (given.share, given.seed) == (1, 0):
        write_table(Path(__file__).with_name("solver_correctness.csv"), table)
