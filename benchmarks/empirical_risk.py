"""Processor time per student against scikit-learn at equal accuracy, on pruned, noisy data.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/empirical_risk.py         # writes empirical_risk.csv
    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/empirical_risk.py square  # its rows of this loss alone

Our students are verified to 1e-9. A rival is asked for ever smaller tolerances until its weights are within 1e-6, and
within 1e-9, of ours; its time is that of the first that suffices, with the fastest of its solvers. Where none does in
a second a fit or 2000 sweeps, the table has the error that it reached and no ratio. Scikit-learn's logistic
regression, linear support vector machines and ridge minimise the same objective: C = 1/(λN), and 1/(2λN) for the
squared hinge.
"""

import itertools
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import description, load
from sklearn.linear_model import LogisticRegression, Ridge  # pyright: ignore[reportMissingImports]
from sklearn.svm import LinearSVC  # pyright: ignore[reportMissingImports]

from perceptron_pruning import fit_empirical_risk
from perceptron_pruning.output.tables import read_table, write_table
from perceptron_pruning.sampling import pruned_data
from replica_theory import KeepHardest
from replica_theory.losses import LossName

N_FEATURES = 200
RATIOS = (0.5, 2, 5, 20)
RIDGES = (0.01, 1.0)
LOSSES: tuple[LossName, ...] = ("square", "logistic", "squared_hinge", "hinge")
ACCURACIES = (1e-6, 1e-9)
TOLERANCES = 10.0 ** -np.arange(3, 13)
INSTANCES = 3
PATIENCE = 1.0  # seconds a rival may take for one fit


def rivals(loss: str, ridge: float) -> dict[str, Callable[[float], Any]]:
    """Scikit-learn's estimators of this objective, by name, as functions of the tolerance."""
    penalty = ridge * N_FEATURES
    kind: Any
    options: dict[str, Any]
    if loss == "square":
        kind, options, choice = Ridge, {"alpha": penalty}, ("solver", ("cholesky", "svd", "lsqr"))
    elif loss == "logistic":
        solvers = ("lbfgs", "newton-cholesky", "newton-cg")
        kind, options, choice = LogisticRegression, {"C": 1 / penalty, "max_iter": 100_000}, ("solver", solvers)
    else:
        kind, options = LinearSVC, {"C": 1 / penalty, "loss": loss, "max_iter": 2000}
        choice = ("dual", (True,))
        if loss == "squared_hinge":
            options, choice = options | {"C": 0.5 / penalty}, ("dual", (True, False))
    name, values = choice
    return {
        f"{kind.__name__}({value})": lambda tol, value=value: kind(
            tol=tol, fit_intercept=False, **options, **{name: value}
        )
        for value in values
    }


def problem(ratio: float, instance: int) -> tuple[np.ndarray, np.ndarray]:
    data = pruned_data(
        KeepHardest(0.4),
        probe_angle=0.35,
        n_kept=round(ratio * N_FEATURES),
        n_features=N_FEATURES,
        seed=0,
        trial=instance,
        label_noise=0.1,
    )
    return data.inputs, data.labels


def seconds(work: Callable, repeats: int = 3) -> float:
    """Least time of a few runs; of one where that takes long."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
        if times[-1] > 0.3:
            break
    return min(times)


def race(estimator: Callable, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> list[tuple[float, float]]:
    """For each accuracy, seconds of the loosest tolerance that attains it, or NaN, and the relative error reached."""
    results, error = [], np.inf
    for tolerance in TOLERANCES:
        model = estimator(tolerance)
        start = time.process_time()
        coefficients = model.fit(x, y).coef_.ravel()
        took = time.process_time() - start
        error = min(error, float(np.linalg.norm(coefficients - weights) / np.linalg.norm(weights)))
        while len(results) < len(ACCURACIES) and error <= ACCURACIES[len(results)]:
            results.append((seconds(lambda model=model: model.fit(x, y)), error))
        if took > PATIENCE or len(results) == len(ACCURACIES):
            break
    return results + [(np.nan, error)] * (len(ACCURACIES) - len(results))


def rows(losses: Sequence[LossName]) -> Iterator[dict]:
    for loss, ratio, ridge in itertools.product(losses, RATIOS, RIDGES):
        mine, theirs = measured(loss, ratio, ridge)
        for accuracy, medians in zip(ACCURACIES, theirs, strict=True):
            best = min(medians, key=lambda name: (np.nan_to_num(medians[name][0], nan=np.inf), medians[name][1]))
            yield {
                "loss": loss,
                "n_examples": round(ratio * N_FEATURES),
                "n_features": N_FEATURES,
                "ridge": ridge,
                "milliseconds": 1e3 * mine,
                "rival_accuracy": accuracy,
                "fastest_rival": best,
                "rival_milliseconds": 1e3 * medians[best][0],
                "rival_relative_error": medians[best][1],
                "ratio": medians[best][0] / mine,
                "load": load(),
                "machine": description(),
            }


def measured(loss: LossName, ratio: float, ridge: float) -> tuple[float, list[dict[str, np.ndarray]]]:
    """Our median seconds; and for each accuracy every rival's, with its error."""
    ours, theirs = [], {name: [] for name in rivals(loss, ridge)}
    for instance in range(INSTANCES):
        x, y = problem(ratio, instance)
        weights = fit_empirical_risk(x, y, loss=loss, ridge=ridge).weights
        ours.append(seconds(lambda x=x, y=y: fit_empirical_risk(x, y, loss=loss, ridge=ridge)))
        for name, estimator in rivals(loss, ridge).items():
            theirs[name].append(race(estimator, x, y, weights))
    medians = {name: np.median(np.array(races), axis=0) for name, races in theirs.items()}
    return float(np.median(ours)), [{name: table[i] for name, table in medians.items()} for i in range(len(ACCURACIES))]


def main() -> None:
    warnings.simplefilter("ignore")  # of rivals that do not converge, which the table shows
    path = Path(__file__).with_name("empirical_risk.csv")
    chosen: Sequence[LossName] = [loss for loss in LOSSES if loss in sys.argv[1:]] or LOSSES
    table = [row for row in read_table(path) if row["loss"] not in chosen]
    for row in rows(chosen):
        table.append(row)
        shown = (f"{value:.3g}" if isinstance(value, float) else str(value) for value in list(row.values())[:-2])
        print(*shown, flush=True)
    order: dict[str, int] = {loss: place for place, loss in enumerate(LOSSES)}
    write_table(path, sorted(table, key=lambda row: order[row["loss"]]))


if __name__ == "__main__":
    main()
