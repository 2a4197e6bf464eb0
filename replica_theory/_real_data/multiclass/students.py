"""Softmax students on random subsets of given rows: the exact equations, or one fit and one sweep."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from replica_theory._real_data.multiclass.cavity import MulticlassCavity, MulticlassEquations, Sweep
from replica_theory._real_data.multiclass.products import PairProducts
from replica_theory._real_data.multiclass.softmax import (
    SoftmaxForces,
    SoftmaxMoments,
    curvature,
    error_of_fields,
    fit,
    gaussian_points,
    softmax,
)
from replica_theory.errors import SaddlePointError

Method = Literal["exact", "one_fit"]

LARGEST_RESOLVENT = 1300  # C d up to which the exact equations are solved
LARGEST_SHARE = 0.2  # P_eff/P up to which one fit serves
TOLERANCE = 0.02  # largest change of means over rows, relative, in one more sweep with twice the points
_SOLVED = 5e-3  # mean change at which sweeps end
_MOST_SWEEPS = 30
_UNDAMPED = 12  # sweeps before steps are halved
_POINTS = (4, 8, 16)  # of a row's field
_LEAST = 1e-3  # variance of a field, relative to its mean square, below which it is none


@dataclass(frozen=True, eq=False)
class MulticlassStudents:
    """Solution of the equations.

    Attributes:
        cavity: a, and m, C, V of all rows.
        covariance: Γ.
        effective_share: P_eff/P.
        residual: Change of means over rows, relative, in one more sweep with twice the points of a row's field; of one
            fit, P_eff/P squared, the order of what it leaves out.
    """

    cavity: MulticlassCavity
    covariance: np.ndarray
    effective_share: float
    residual: float

    def error(self, rows: np.ndarray, classes: np.ndarray) -> float:
        """Mean error on fresh rows."""
        students = self.cavity.students
        fields = PairProducts(rows, len(students)).quadratic(self.covariance)
        return error_of_fields(rows @ students.T, fields, classes)

    def left_out_error(self, classes: np.ndarray) -> float:
        """Mean error on the rows themselves, of students trained without them."""
        return error_of_fields(self.cavity.mean, self.cavity.covariance, classes)


def multiclass_students(
    rows: np.ndarray,
    classes: np.ndarray,
    number: int,
    *,
    count: np.ndarray,
    finite: bool,
    penalty: np.ndarray,
    method: Method,
) -> MulticlassStudents:
    """Students at the solution.

    Raises:
        ValueError: One fit does not serve.
        SaddlePointError: No solution to a residual of 0.02.
    """
    used, target = count > 0, np.eye(number)[classes]
    products = PairProducts(np.ascontiguousarray(rows[used]), number)
    equations = MulticlassEquations(products, target[used], count[used], finite, penalty)
    first = _first_sweep(equations)
    share = float(first.effective_parameters / count.sum())
    if method == "one_fit":
        if not share <= LARGEST_SHARE:
            raise ValueError(
                f'`method` "one_fit" needs at most {LARGEST_SHARE} effective parameters per kept row; got {share:.2f} '
                '(take method="exact", or a larger `ridge`)'
            )
        last, residual = first, share**2
    else:
        last, residual = _solved(equations, first)
    cavity = last.cavity if used.all() else _all_rows(rows, used, last)
    return MulticlassStudents(cavity, last.covariance, float(last.effective_parameters / count.sum()), residual)


def _first_sweep(equations: MulticlassEquations) -> Sweep:
    """From the fit of all rows, weighted by their chances: approximate leave-one-out and a sandwich estimate."""
    rows, target = equations.products.rows, equations.target
    students = fit(rows, target, equations.count, equations.penalty)
    mean = rows @ students.T
    chances = softmax(mean)
    force, none = target - chances, np.zeros((*target.shape, target.shape[1]))
    forces = SoftmaxForces(force, force[:, :, None] * force[:, None, :], curvature(chances))
    return equations.sweep(forces, MulticlassCavity(students, mean, none, none))


def _solved(equations: MulticlassEquations, first: Sweep) -> tuple[Sweep, float]:
    """The last sweep and its residual, with as few points of a row's field as twice their number bears out."""
    n, classes = equations.target.shape
    cavity, residual = first.cavity, np.inf
    try:
        for number in _POINTS:
            cavity = _fixed_point(
                equations, SoftmaxMoments(equations.target, gaussian_points(number, n, classes)), cavity
            )
            finer = SoftmaxMoments(equations.target, gaussian_points(2 * number, n, classes))
            last = equations.sweep(finer(cavity.mean, cavity.covariance, cavity.leverage), cavity)
            residual = _change_of_means(last.cavity, cavity)
            if residual < TOLERANCE:
                return last, residual
            cavity = last.cavity
    except _Stalled as stalled:
        residual = stalled.residual
    raise SaddlePointError(
        "the leave-one-out equations of softmax students are not solved; try a larger `ridge`", float(residual)
    )


def _fixed_point(equations: MulticlassEquations, moments: SoftmaxMoments, cavity: MulticlassCavity) -> MulticlassCavity:
    """Sweeps until their changes are small; steps are halved after the first ones."""
    change = np.inf
    for number in range(_MOST_SWEEPS):
        try:
            forces = moments(cavity.mean, cavity.covariance, cavity.leverage)
            new = equations.sweep(forces, cavity).cavity
        except np.linalg.LinAlgError:
            raise _Stalled(change) from None
        change = _change(new, cavity)
        if not np.isfinite(change):
            raise _Stalled(change)
        cavity = new if number < _UNDAMPED else _halfway(cavity, new)
        if change < _SOLVED:
            return cavity
    raise _Stalled(change)


@dataclass
class _Stalled(Exception):
    """The sweeps did not settle; their last change."""

    residual: float


def _change(new: MulticlassCavity, old: MulticlassCavity) -> float:
    """Largest of the mean changes of m, C and V, relative to their size."""
    changes = (
        np.abs(new.mean - old.mean).mean() / np.sqrt(_square_field(new)),
        np.abs(new.leverage - old.leverage).mean() / np.abs(new.leverage).mean(),
        np.abs(new.covariance - old.covariance).mean() / (np.abs(new.covariance).mean() + _LEAST * _square_field(new)),
    )
    return float(np.max(changes))


def _change_of_means(new: MulticlassCavity, old: MulticlassCavity) -> float:
    """Largest change of a and of the rows' mean m·m, tr C and tr V, relative.

    Single rows' averages over few points scatter, which their means do not.
    """
    spreads, leverages = (
        [float(np.einsum("naa->n", getattr(at, name)).mean()) for at in (new, old)]
        for name in ("covariance", "leverage")
    )
    changes = (
        np.linalg.norm(new.students - old.students) / np.linalg.norm(old.students),
        np.mean(new.mean**2) / np.mean(old.mean**2) - 1,
        (spreads[0] - spreads[1]) / (abs(spreads[1]) + _LEAST * _square_field(old)),
        leverages[0] / leverages[1] - 1,
    )
    return max(abs(float(change)) for change in changes)


def _square_field(cavity: MulticlassCavity) -> float:
    """Mean square of a class's field, its mean over classes taken out."""
    centred = cavity.mean - cavity.mean.mean(axis=1, keepdims=True)
    return float(np.mean(centred**2))


def _halfway(old: MulticlassCavity, new: MulticlassCavity) -> MulticlassCavity:
    names = ("students", "mean", "covariance", "leverage")
    return MulticlassCavity(*(0.5 * (getattr(old, name) + getattr(new, name)) for name in names))


def _all_rows(rows: np.ndarray, used: np.ndarray, last: Sweep) -> MulticlassCavity:
    """The unknowns with those of rows that are never in a training set."""
    kept, C = last.cavity, len(last.cavity.students)
    others = PairProducts(np.ascontiguousarray(rows[~used]), C)
    mean, covariance, leverage = np.empty((len(rows), C)), *np.empty((2, len(rows), C, C))
    mean[used], covariance[used], leverage[used] = kept.mean, kept.covariance, kept.leverage
    mean[~used] = others.rows @ kept.students.T
    covariance[~used] = others.quadratic(last.covariance)
    leverage[~used] = others.quadratic(last.resolvent)
    return MulticlassCavity(kept.students, mean, covariance, leverage)
