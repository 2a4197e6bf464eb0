"""Rows of two real classes as one seed has them: a probe that has seen some, the others to prune, those that test."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.experiments.two_class import PROBE_RIDGE, Pair, inputs_and_labels, logistic_student, test_rows


@dataclass(frozen=True, kw_only=True)
class RealPool:
    """Rows of a pair with their own labels, in random order, those of the probe left out.

    Attributes:
        inputs, labels: Rows (n, N) and ±1 (n,).
        test_inputs, test_labels: Rows that test.
        probe: Unit vector (N,).
        field: The probe's field z of the rows, (n,).
    """

    inputs: np.ndarray
    labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    probe: np.ndarray
    field: np.ndarray

    def error_of(self, rows: np.ndarray, ridge: float) -> float:
        """Test error of the logistic student of some rows, given by their numbers."""
        student = logistic_student(self.inputs[rows], self.labels[rows], ridge)
        return float(np.mean((self.test_inputs @ student) * self.test_labels <= 0))


def real_pool(pair: Pair, step: str, *, probe_rows: int, rng: np.random.Generator) -> RealPool:
    """A seed's probe and pool, in a step of `two_class.OWN_LABELS`."""
    inputs, labels = inputs_and_labels(pair, step, rng)
    test_inputs, test_labels = test_rows(pair, step)
    if test_inputs is None or test_labels is None:
        raise ValueError(f"`step` must be one of real inputs; got {step!r}")
    if probe_rows < 1:
        raise ValueError(f"`probe_rows` must be at least 1; got {probe_rows}")
    shuffled = rng.permutation(len(inputs))
    probed, rest = shuffled[:probe_rows], shuffled[probe_rows:]
    probe = logistic_student(inputs[probed], labels[probed], PROBE_RIDGE)
    return RealPool(
        inputs=inputs[rest],
        labels=labels[rest],
        test_inputs=test_inputs,
        test_labels=test_labels,
        probe=probe,
        field=inputs[rest] @ probe,
    )


def mean_of_draws(draw: Callable[[], np.ndarray], draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Means over draws, two at least, of an array of errors, and their standard errors."""
    if draws < 2:
        raise ValueError(f"`draws` must be at least 2, for a standard error; got {draws}")
    errors = np.stack([draw() for _ in range(draws)])
    return errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(draws)
