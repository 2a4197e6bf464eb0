"""What a pilot of n labelled rows says of students on pruned pools of M rows, no other row being seen.

- ``plane``: a plane measured with directions of other folds and an elliptical bulk (`replica_theory.structured_risk`);
  α is free, so that M may be any.
- ``whole_law``: left-out error on the pilot's rows (`replica_theory.risk_on_data`); where M > n, each kept row weighs
  M/n, which leaves the pilot's own sampling noise in.
- ``retrained``: five-fold cross-validation, students on what the rule keeps of min(M, 4n/5) rows of the pilot.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perceptron_pruning.experiments.two_class import logistic_student
from perceptron_pruning.experiments.two_class_theories import LOSS
from replica_theory.errors import SaddlePointError
from replica_theory.real_data.risk_on_data import risk_on_data
from replica_theory.real_data.structured_inputs import StructuredInputs
from replica_theory.real_data.structured_risk import structured_risk
from replica_theory.selection import KeepRandom, Selection

FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """Labelled rows with the probe that ranks them.

    Attributes:
        inputs, labels: Rows (n, N) and ±1 (n,).
        probe: Unit vector (N,), trained on none of them.
    """

    inputs: np.ndarray
    labels: np.ndarray
    probe: np.ndarray

    @property
    def n_rows(self) -> int:
        """n."""
        return len(self.labels)

    @cached_property
    def field(self) -> np.ndarray:
        """z, (n,)."""
        return self.inputs @ self.probe

    @cached_property
    def law(self) -> StructuredInputs:
        """Plane and bulk of the rows."""
        return StructuredInputs.measured(self.inputs, self.labels, probe=self.probe, folds=FOLDS)


def plane(pilot: Pilot, selection: Selection, *, pool_size: int, ridge: float, rng: np.random.Generator) -> float:
    """Error of students on what a rule keeps of M rows; NaN where the theory is refused."""
    alpha = round(selection.keep_fraction * pool_size) / pilot.inputs.shape[1]
    try:
        solution = structured_risk(alpha, inputs=pilot.law, selection=selection, loss=LOSS, ridge=ridge)
    except SaddlePointError:
        return float("nan")
    return solution.noisy_test_error


def whole_law(pilot: Pilot, selection: Selection, *, pool_size: int, ridge: float, rng: np.random.Generator) -> float:
    """The same from the whole law of the pilot."""
    n, count = pilot.n_rows, round(selection.keep_fraction * pool_size)
    allowed = n if isinstance(selection, KeepRandom) else round(selection.keep_fraction * n)
    keeps = np.zeros(n)
    keeps[selection.choose(pilot.field, pilot.labels, count=allowed, rng=rng)] = 1.0
    try:
        solution = risk_on_data(
            pilot.inputs,
            pilot.labels,
            keep_probability=keeps,
            n_kept=min(count, allowed),
            sample_weight=np.full(n, count / allowed) if count > allowed else None,
            loss=LOSS,
            ridge=ridge,
        )
    except SaddlePointError:
        return float("nan")
    return solution.left_out_error


def retrained(pilot: Pilot, selection: Selection, *, pool_size: int, ridge: float, rng: np.random.Generator) -> float:
    """The same by training within the pilot: mean error on the fold that is left out."""
    fold = np.arange(pilot.n_rows) % FOLDS
    errors = []
    for number in range(FOLDS):
        rows, aside = rng.permutation(np.flatnonzero(fold != number))[:pool_size], fold == number
        count = round(selection.keep_fraction * len(rows))
        kept = rows[selection.choose(pilot.field[rows], pilot.labels[rows], count=count, rng=rng)]
        student = logistic_student(pilot.inputs[kept], pilot.labels[kept], ridge)
        errors.append(np.mean((pilot.inputs[aside] @ student) * pilot.labels[aside] <= 0))
    return float(np.mean(errors))


FORECASTS = {"plane": plane, "whole_law": whole_law, "retrained": retrained}
