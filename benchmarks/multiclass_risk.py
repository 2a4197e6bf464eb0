"""Softmax students on pruned subsets of real embeddings of ten classes, against `risk_on_data`.

    python benchmarks/multiclass_risk.py        # half a minute of one core; writes multiclass_risk.csv

Rows: Fashion-MNIST by EfficientNet, 1800 drawn, in their 64 leading principal components, whitened; C d = 640. Rules
rank them by the margin of a head that was trained on other rows. Students are trained on P = 600 of what a rule keeps,
by L-BFGS to convergence, and tried on 4000 test rows. Theory has the same rows, and sees no student. Printed: the rms
over settings of ln(measured/predicted), what the mean of so many seeds leaves to chance, and a solution's seconds.
"""

import math
import time
from pathlib import Path

import numpy as np
from machine import description, load
from tqdm import tqdm

from perceptron_pruning.datasets.loaders import load_fashion_mnist
from perceptron_pruning.embeddings.metrics.softmax_head import fit_softmax
from perceptron_pruning.output.tables import Row, write_table
from replica_theory import MulticlassRiskSolution, risk_on_data

N_ROWS, N_PROBE_ROWS, N_TEST_ROWS, N_FEATURES, N_KEPT, N_CLASSES = 1800, 1500, 4000, 64, 600, 10
RIDGES = (0.05, 0.005)  # of the mean loss of a student
N_SEEDS, SEED = 40, 7
RULES = ("random", "hardest 2/3", "easiest 2/3", "hardest 1/2")
FOLDER = Path(__file__).parent


def whitened(data, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Pool, rows of the probe and test rows in the pool's leading components, each with its classes."""
    rows = rng.permutation(len(data.train_labels))[: N_ROWS + N_PROBE_ROWS]
    tested = rng.permutation(len(data.test_labels))[:N_TEST_ROWS]
    inputs, test = data.train_embeddings[rows].astype(float), data.test_embeddings[tested].astype(float)
    centre = inputs[:N_ROWS].mean(axis=0)
    _, size, axes = np.linalg.svd(inputs[:N_ROWS] - centre, full_matrices=False)
    project = axes[:N_FEATURES].T / (size[:N_FEATURES] / math.sqrt(N_ROWS))
    inputs, test, labels = (inputs - centre) @ project, (test - centre) @ project, data.train_labels[rows]
    return inputs[:N_ROWS], labels[:N_ROWS], inputs[N_ROWS:], labels[N_ROWS:], test, data.test_labels[tested]


def keep_probability(rule: str, margin: np.ndarray) -> np.ndarray:
    """1 for rows that a rule keeps, else 0."""
    if rule == "random":
        return np.ones(len(margin))
    side, share = rule.split()
    fraction = {"2/3": 2 / 3, "1/2": 1 / 2}[share]
    rank = np.argsort(np.argsort(margin if side == "hardest" else -margin))
    return (rank < round(fraction * len(margin))).astype(float)


def measured_errors(
    q: np.ndarray, ridge: float, pool: tuple[np.ndarray, ...], test: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Test errors of students on random subsets of what is kept, one a seed."""
    (inputs, labels), kept = pool, np.flatnonzero(q)
    errors = []
    for seed in range(N_SEEDS):
        chosen = np.random.default_rng([SEED, seed]).choice(kept, N_KEPT, replace=False)
        head = fit_softmax(inputs[chosen], labels[chosen], n_classes=N_CLASSES, ridge=ridge)
        errors.append(head.error(*test))
    return np.array(errors)


def setting_row(rule: str, ridge: float, q: np.ndarray, pool: tuple, test: tuple) -> Row:
    """Measured beside predicted."""
    errors = measured_errors(q, ridge, pool, test)
    start = time.process_time()
    theory = risk_on_data(
        *pool,
        keep_probability=q,
        n_kept=N_KEPT,
        ridge=ridge * N_KEPT / N_FEATURES,  # the theory's risk is a sum divided by N, not a mean
        intercept=True,
        test_inputs=test[0],
        test_labels=test[1],
    )
    seconds = time.process_time() - start
    assert isinstance(theory, MulticlassRiskSolution)
    assert theory.test_error is not None
    noise = errors.std(ddof=1) / math.sqrt(N_SEEDS)
    return {
        "rule": rule,
        "ridge": ridge,
        "seeds": N_SEEDS,
        "measured": errors.mean(),
        "standard_error": noise,
        "predicted": theory.test_error,
        "log_ratio": math.log(errors.mean() / theory.test_error),
        "effective_share": theory.effective_share,
        "residual": theory.residual,
        "processor_seconds": seconds,
        "load_average": load(),
        "machine": description(),
    }


def main() -> None:
    rng = np.random.default_rng(SEED)
    inputs, labels, others, classes, test, answers = whitened(load_fashion_mnist(), rng)
    probe = fit_softmax(others, classes, n_classes=N_CLASSES, ridge=0.01)
    scores = probe.logits(inputs)
    own = scores[np.arange(N_ROWS), labels]
    margin = own - np.where(np.arange(N_CLASSES) == labels[:, None], -np.inf, scores).max(axis=1)
    rows = [
        setting_row(rule, ridge, keep_probability(rule, margin), (inputs, labels), (test, answers))
        for ridge in RIDGES
        for rule in tqdm(RULES, desc=f"ridge {ridge}")
    ]
    for row in rows:
        print(", ".join(f"{k} {v:.4g}" if isinstance(v, float) else str(v) for k, v in row.items() if k != "machine"))
    ratio, noise = (np.array([row[name] for row in rows], float) for name in ("log_ratio", "standard_error"))
    error = np.array([row["measured"] for row in rows], float)
    chance = math.sqrt(np.mean((noise / error) ** 2))
    print(f"rms of ln(measured/predicted) {math.sqrt(np.mean(ratio**2)):.4f}, of chance {chance:.4f}")
    write_table(FOLDER / "multiclass_risk.csv", rows)


if __name__ == "__main__":
    main()
