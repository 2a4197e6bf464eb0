"""Structured inputs whose law is measured on rows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._real_data.arguments import (
    check_direction,
    check_labels,
    check_positive,
    check_rows,
    check_test_rows,
)
from replica_theory._real_data.structured.examples import Law
from replica_theory._real_data.structured.measured_law import MeasuredLaw, measured_law
from replica_theory.errors import read_only
from replica_theory.real_data.structured_inputs import StructuredInputs


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MeasuredInputs(StructuredInputs):
    """A law measured on rows; see `StructuredInputs.measured` for its attributes."""

    inputs: np.ndarray
    labels: np.ndarray
    probe: np.ndarray | None
    test_inputs: np.ndarray | None
    test_labels: np.ndarray | None
    directions: np.ndarray
    components: int
    folds: int
    classifier_ridge: float
    intercept: bool
    normalisation: float

    @classmethod
    def checked(
        cls,
        inputs: ArrayLike,
        labels: ArrayLike,
        *,
        probe: ArrayLike | None,
        test_inputs: ArrayLike | None,
        test_labels: ArrayLike | None,
        directions: ArrayLike | None,
        components: int,
        folds: int,
        classifier_ridge: float,
        intercept: bool,
        normalisation: float | None,
    ) -> "MeasuredInputs":
        """The inputs, or a `ValueError` that names the argument."""
        rows = check_rows(inputs)
        n, d = rows.shape
        signs = check_labels(labels, n)
        if np.ptp(signs) == 0:
            raise ValueError(f"`labels` must have both classes; got {signs[0]:+.0f} alone")
        if not (isinstance(folds, int | np.integer) and 1 <= folds <= n // 2):
            raise ValueError(f"`folds` must be a whole number in [1, {n // 2}]; got {folds!r}")
        if not (isinstance(components, int | np.integer) and components >= 0):
            raise ValueError(f"`components` must be a whole number >= 0; got {components!r}")
        if (test_inputs is None) != (test_labels is None):
            raise ValueError("`test_inputs` and `test_labels` must be given both or neither")
        tested = None if test_inputs is None else check_test_rows(test_inputs, d)
        more = np.empty((d, 0)) if directions is None else check_rows(directions, "directions")
        if len(more) != d:
            raise ValueError(f"`directions` must have {d} rows, like `inputs` columns; got {len(more)}")
        return cls(
            inputs=read_only(rows),
            labels=read_only(signs),
            probe=None if probe is None else read_only(check_direction(probe, d, "probe")),
            test_inputs=None if tested is None else read_only(tested),
            test_labels=None
            if tested is None or test_labels is None
            else read_only(check_labels(test_labels, len(tested), "test_labels")),
            directions=read_only(more),
            components=int(components),
            folds=int(folds),
            classifier_ridge=check_positive(classifier_ridge, "classifier_ridge"),
            intercept=bool(intercept),
            normalisation=check_positive(d if normalisation is None else normalisation, "normalisation"),
        )

    @property
    def law(self) -> Law:
        return self._law

    @cached_property
    def _law(self) -> MeasuredLaw:
        test = None
        if self.test_inputs is not None and self.test_labels is not None:
            test = self.test_inputs, self.test_labels
        return measured_law(
            self.inputs,
            self.labels,
            probe=self.probe,
            directions=self.directions,
            components=self.components,
            folds=self.folds,
            ridge=self.classifier_ridge,
            test=test,
            normalisation=self.normalisation,
            intercept=self.intercept,
        )
