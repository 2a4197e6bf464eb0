"""Softmax students on random subsets of given rows: the exact equations, or one fit and one sweep."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from replica_theory._real_data.leave_one_out.acceleration import Anderson
from replica_theory._real_data.multiclass.cavity import MulticlassCavity, MulticlassEquations, Sweep
from replica_theory._real_data.multiclass.products import PairProducts
from replica_theory._real_data.multiclass.softmax import (
    SoftmaxForces,
    SoftmaxMoments,
    curvature,
    error_of_fields,
    fit,
    softmax,
)
from replica_theory.errors import SaddlePointError

Method = Literal["exact", "one_fit"]

LARGEST_RESOLVENT = 1300  # C d up to which the exact equations are solved
LARGEST_SHARE = 0.2  # P_eff/P up to which one fit serves
TOLERANCE = 0.02  # largest change of means over rows, relative, in one more sweep with twice the points
_SOLVED = 5e-3  # mean change at which sweeps end
_MOST_SWEEPS = 60
_NEAR = 0.5  # change below which sweeps are accelerated
_WORSE = 3.0  # change, relative to the least so far, at which the acceleration begins anew
_MOST_IDLE = 20  # sweeps in a row without a smaller change
_FEW_MEMBERS = 2.0  # rows of a class in a mean training set, below which many sets have none
_POINTS = (4, 8, 16, 32, 64)  # of a row's field, the last two of few rows, whose own scatter does not average out
_FEW_ROWS = 150
_MOST_FITS = 12
_FITTED = 1e-3  # step of all fields, relative, of a fit that is found
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
        ValueError: All inputs are 0, a class is never kept and has an intercept, or one fit does not serve.
        SaddlePointError: No solution to a residual of 0.02.
    """
    used, target = count > 0, np.eye(number)[classes]
    if not rows[used].any():
        raise ValueError("`inputs` must have a number other than 0 in a row that may be kept; got none")
    if not penalty.all() and (missing := np.flatnonzero(~target[used].any(axis=0))).size:
        raise ValueError(
            f"`keep_probability` must be > 0 for a row of each class where students have an intercept, which without "
            f"one is -inf; got none of class {missing[0]} (leave out `intercept`, or the class)"
        )
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
    """From the fit of all rows, weighted by their chances: approximate leave-one-out and a sandwich estimate.

    Quasi-Newton steps end before fields of separable rows do; the sweep's own step of the students is Newton's.

    Raises:
        SaddlePointError: The fit is not found.
    """
    rows, target = equations.products.rows, equations.target
    students, change = fit(rows, target, equations.count, equations.penalty), np.inf
    none = np.zeros((*target.shape, target.shape[1]))
    for _ in range(_MOST_FITS):
        mean = rows @ students.T
        chances = softmax(mean)
        force = target - chances
        forces = SoftmaxForces(force, force[:, :, None] * force[:, None, :], curvature(chances))
        try:
            sweep = equations.sweep(forces, MulticlassCavity(students, mean, none, none))
        except np.linalg.LinAlgError:
            break
        step, students = rows @ (sweep.cavity.students - students).T, sweep.cavity.students
        change = float(np.sqrt(_square_field(step) / _square_field(rows @ students.T)))
        if change < _FITTED:
            return sweep
    raise SaddlePointError(f"the softmax fit of all rows that may be kept is not found; {_remedy(equations)}", change)


def _solved(equations: MulticlassEquations, first: Sweep) -> tuple[Sweep, float]:
    """The last sweep and its residual, with as few points of a row's field as twice their number bears out."""
    cavity, residual = first.cavity, np.inf
    try:
        for number in _POINTS[: 3 if len(equations.count) > _FEW_ROWS else None]:
            cavity = _fixed_point(equations, equations.moments(number), cavity)
            finer = equations.moments(2 * number)
            last = equations.sweep(finer(cavity.mean, cavity.covariance, cavity.leverage), cavity)
            residual = _change_of_means(last.cavity, cavity)
            if residual < TOLERANCE:
                return last, residual
            cavity = last.cavity
    except _Stalled as stalled:
        residual = stalled.residual
    raise SaddlePointError(
        f"the leave-one-out equations of softmax students are not solved; {_remedy(equations)}", float(residual)
    )


def _remedy(equations: MulticlassEquations) -> str:
    """A larger ridge, but for a class that is missing in many training sets, in which its intercept diverges."""
    members = equations.count @ equations.target
    least = int(members.argmin())
    if members[least] < _FEW_MEMBERS and not equations.penalty.all():
        return (
            f"a mean training set has {members[least]:.2g} rows of class {least}, without which its intercept has no "
            "finite value: leave out `intercept`, or keep more of its rows"
        )
    return "try a larger `ridge`"


def _fixed_point(equations: MulticlassEquations, moments: SoftmaxMoments, cavity: MulticlassCavity) -> MulticlassCavity:
    """Sweeps until their changes are small: plain ones from afar, then by Anderson's acceleration."""
    anderson, best, units, idle = Anderson(), np.inf, None, 0
    for _ in range(_MOST_SWEEPS):
        new, change = _swept(equations, moments, cavity)
        idle = 0 if change < best else idle + 1
        if not np.isfinite(change) or idle > _MOST_IDLE:
            break
        if change < _SOLVED:
            return new
        units = _units(new) if units is None else units
        if change > _NEAR or change > _WORSE * best:
            anderson.forget()
        point, image = cavity.vector(units), new.vector(units)
        following = anderson.following(point, image)
        if not change < max(best, _NEAR):
            following = 0.5 * (point + image)
        best, cavity = min(best, change), cavity.of_vector(following, units)
    raise _Stalled(best)


def _swept(
    equations: MulticlassEquations, moments: SoftmaxMoments, cavity: MulticlassCavity
) -> tuple[MulticlassCavity, float]:
    """The next unknowns and their change, which is no number where they are too large or none."""
    try:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            new = equations.sweep(moments(cavity.mean, cavity.covariance, cavity.leverage), cavity).cavity
            return new, _change(new, cavity)
    except np.linalg.LinAlgError:
        return cavity, np.inf


def _units(cavity: MulticlassCavity) -> tuple[float, ...]:
    """Sizes of a, m, C and V, in which their changes count alike."""
    covariance = np.linalg.norm(cavity.covariance) + _LEAST * _square_field(cavity.mean) * np.sqrt(len(cavity.mean))
    sizes = np.linalg.norm(cavity.students), np.linalg.norm(cavity.mean), covariance, np.linalg.norm(cavity.leverage)
    return tuple(float(size) if size > 0 else 1.0 for size in sizes)


@dataclass
class _Stalled(Exception):
    """The sweeps did not settle; their last change."""

    residual: float


def _change(new: MulticlassCavity, old: MulticlassCavity) -> float:
    """Largest of the mean changes of m, C and V, relative to their size."""
    changes = (
        np.abs(new.mean - old.mean).mean() / np.sqrt(_square_field(new.mean)),
        np.abs(new.leverage - old.leverage).mean() / np.abs(new.leverage).mean(),
        np.abs(new.covariance - old.covariance).mean()
        / (np.abs(new.covariance).mean() + _LEAST * _square_field(new.mean)),
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
        (spreads[0] - spreads[1]) / (abs(spreads[1]) + _LEAST * _square_field(old.mean)),
        leverages[0] / leverages[1] - 1,
    )
    return max(abs(float(change)) for change in changes)


def _square_field(fields: np.ndarray) -> float:
    """Mean square of a class's field, (n, C), its mean over classes taken out."""
    centred = fields - fields.mean(axis=1, keepdims=True)
    return float(np.mean(centred**2))


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
