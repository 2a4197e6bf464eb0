"""A law measured on rows: their places in a plane of directions learned on other rows, and the radii outside it.

Coordinates are principal components, x = D^{1/2} g with D the spectrum, so that E g gᵀ = I over the rows. The plane
U holds what students, probes and labels see: the probe, a classifier, E[y g] (Fisher's direction), D E[y g] (where
students of a large ridge point), and the leading components. Outside, g = r h with h standard normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, ndtr

from replica_theory._real_data.structured.bulk import Bulk, bulk_of
from replica_theory._real_data.structured.examples import Examples, Law, Student
from replica_theory._real_data.structured.mixture_margins import RowMargins
from replica_theory.selection.kept_distribution import Piece
from replica_theory.selection.margins import MarginDistribution

_LEAST_VARIANCE = 1e-10  # of a principal component, relative to the largest, below which it is left out
_FLAT = 1.05  # ratio of variances up to which the inputs are whitened
_DEPENDENT = 1e-6  # length of a direction's part outside those before it, below which it adds none
_CLASSIFIER_STEPS = 50
_LEAST_FIELD_VARIANCE = 1e-300  # of a row of zeros, which is missed half of the time


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """Principal components of rows.

    Attributes:
        centre: What is subtracted from the rows, (d,).
        axes: Directions, (d, kept).
        scale: Standard deviations along them, (kept,).
    """

    centre: np.ndarray
    axes: np.ndarray
    scale: np.ndarray

    @classmethod
    def of_rows(cls, rows: np.ndarray, *, centred: bool) -> "PrincipalAxes":
        """With the mean taken out if ``centred``."""
        centre = rows.mean(axis=0) if centred else np.zeros(rows.shape[1])
        moved = rows - centre
        with np.errstate(over="ignore", invalid="ignore"):  # the variances tell
            covariance = moved.T @ moved / len(rows)
        if not (np.isfinite(covariance).all() and covariance.diagonal().max() > _LEAST_FIELD_VARIANCE):
            raise ValueError(
                f"`inputs` must vary, by numbers from 1e-150 to 1e150; got {moved.min():g} to {moved.max():g} about "
                "their centre (give them another unit)"
            )
        variances, axes = np.linalg.eigh(covariance)
        used = variances > _LEAST_VARIANCE * variances[-1]
        return cls(centre, axes[:, used][:, ::-1], np.sqrt(variances[used])[::-1])

    def whitened(self, rows: np.ndarray) -> np.ndarray:
        """g, (n, kept)."""
        return (rows - self.centre) @ self.axes / self.scale

    def pulled(self, directions: np.ndarray) -> np.ndarray:
        """Columns, whose fields are those of the directions; 0 where the rows do not vary, (kept, any)."""
        columns = self.scale[:, None] * (self.axes.T @ directions)
        least = 0.5 * np.sqrt(_LEAST_VARIANCE) * self.scale[0] * np.linalg.norm(directions, axis=0)
        return np.where(np.linalg.norm(columns, axis=0) > least, columns, 0.0)


@dataclass(frozen=True, eq=False)
class Directions:
    """What spans the plane, beside what the labels say.

    Attributes:
        fixed: Directions in whitened coordinates that no label has chosen, (kept, any): a probe, a caller's.
        scale: Standard deviations of the principal components, (kept,).
        components: Leading principal components that are in the plane.
        ridge: Ridge of the classifier.
    """

    fixed: np.ndarray
    scale: np.ndarray
    components: int
    ridge: float

    def learned(self, whitened: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All directions, columns, and the classifier among them, as these rows have them."""
        classifier = self.scale * logistic_fit(whitened * self.scale, labels, self.ridge)
        fisher = whitened.T @ labels / len(labels)
        columns = [self.fixed, classifier[:, None], fisher[:, None]]
        if self.scale[0] ** 2 > _FLAT * self.scale[-1] ** 2:
            columns += [(self.scale**2 * fisher)[:, None], np.eye(len(self.scale), self.components)]
        return np.column_stack(columns), classifier


def orthonormal(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal columns of the same span, each along its own, and which of the columns added to it (Gram–Schmidt)."""
    basis, adds = np.empty((len(columns), 0)), np.zeros(columns.shape[1], dtype=bool)
    for number, column in enumerate(columns.T):
        rest = column
        for _ in range(2):  # once more takes out what rounding has left
            rest = rest - basis @ (basis.T @ rest)
        length = np.linalg.norm(rest)
        if length > _DEPENDENT * np.linalg.norm(column):
            adds[number] = True
            basis = np.column_stack([basis, rest / length])
    return basis, adds


def logistic_fit(rows: np.ndarray, labels: np.ndarray, ridge: float) -> np.ndarray:
    """Minimiser of (1/d) Σ ln(1 + e^{−y w·x}) + (λ/2)‖w‖² by Newton's method with halved steps."""
    signed, d = rows * labels[:, None], rows.shape[1]
    weights = np.zeros(d)

    def risk(at: np.ndarray) -> float:
        return float(np.logaddexp(0.0, -signed @ at).sum() / d + 0.5 * ridge * at @ at)

    value = risk(weights)
    for _ in range(_CLASSIFIER_STEPS):
        miss = expit(-signed @ weights)
        gradient = ridge * weights - signed.T @ miss / d
        scaled = signed * np.sqrt(miss * (1 - miss) / d)[:, None]
        step = np.linalg.solve(scaled.T @ scaled + ridge * np.eye(d), gradient)
        gain, length = float(gradient @ step), 1.0
        while (new := risk(weights - length * step)) > value - 1e-4 * length * gain and length > 1e-6:
            length /= 2
        weights, value = weights - length * step, new
        if gain < 1e-12 * max(value, 1e-12):
            break
    return weights


@dataclass(frozen=True, eq=False)
class MeasuredLaw(Law):
    """Rows, seen from a plane.

    Attributes:
        pool: The rows as examples.
        tested: Test rows as examples; the pool where there are none.
        plane: D^{1/2} U, (d, k).
        outside: Covariance of inputs outside the plane at r = 1, (d, d).
        spectrum: Variances of the principal components, (d,).
        normalisation: N.
        intercept: Whether students have one.
    """

    pool: Examples
    tested: Examples
    plane: np.ndarray
    outside: np.ndarray
    spectrum: np.ndarray
    normalisation: float
    intercept: bool

    @property
    def symmetric(self) -> bool:
        return False

    def margins(self) -> MarginDistribution:
        return self._margins

    @cached_property
    def _margins(self) -> RowMargins:
        return RowMargins(self.pool.margin)

    def keep_probability(self, pieces: Sequence[Piece], pool: Examples) -> np.ndarray:
        return self._margins.keep_probability(pieces)

    def examples(self, edges: np.ndarray, level: int) -> Examples:
        return self.pool

    def bulk(self, *, finite: bool) -> Bulk:
        counted = self.outside if finite else np.diag(self.spectrum)
        return bulk_of([self.outside], [counted], self.plane, self.normalisation)

    def error(self, student: Student, *, clean: bool) -> float:
        tested = self.tested
        variance = tested.square_radius * student.deviation[0] ** 2
        variance += np.maximum(tested.quadratic(student.covariance), 0.0)
        deviation = np.sqrt(np.maximum(variance, _LEAST_FIELD_VARIANCE))
        return float(tested.share @ ndtr(-(tested.coordinates @ student.plane) / deviation))


def measured_law(
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    probe: np.ndarray | None,
    directions: np.ndarray,
    components: int,
    folds: int,
    ridge: float,
    test: tuple[np.ndarray, np.ndarray] | None,
    normalisation: float,
    intercept: bool,
) -> MeasuredLaw:
    """The law of these rows; what labels say of directions is learned on other folds than the rows that it places."""
    frame = PrincipalAxes.of_rows(rows, centred=intercept)
    whitened = frame.whitened(rows)
    fixed = directions if probe is None else np.column_stack([probe, directions])
    chosen = Directions(frame.pulled(fixed), frame.scale, min(components, len(frame.scale)), ridge)
    columns, classifier = chosen.learned(whitened, labels)
    fold = np.arange(len(rows)) % folds
    others = [fold != number if folds > 1 else fold == number for number in range(folds)]
    by_fold = [chosen.learned(whitened[other], labels[other]) for other in others]
    adds = np.all([orthonormal(directions)[1] for directions in (columns, *(pair[0] for pair in by_fold))], axis=0)
    plane, _ = orthonormal(columns[:, adds])
    d, k = plane.shape
    if not k:
        raise ValueError(
            "`labels` must have to do with `inputs` where these are white and there is no other direction for the "
            "plane; the mean of y x is 0 (give a `probe` or `directions`)"
        )
    if k >= d:
        raise ValueError(
            f"`inputs` must leave a bulk: the plane takes {k} of the {d} directions in which they vary (leave out "
            "`components` and `directions` that it can do without, or give the rows to `risk_on_data`)"
        )
    place, field = np.empty((len(rows), k)), np.empty(len(rows))
    for number, (directions_here, learned) in enumerate(by_fold):
        here = fold == number
        place[here] = whitened[here] @ orthonormal(directions_here[:, adds])[0]
        field[here] = whitened[here] @ learned
    if probe is not None:
        field = (rows - frame.centre) @ probe
        if not field.any():
            raise ValueError("`probe` must have a field that varies; got 0 on all `inputs`")
    pool = _examples(whitened, labels, place, field, d - k, intercept)
    tested = pool
    if test is not None:
        g = frame.whitened(test[0])
        at = (test[0] - frame.centre) @ probe if probe is not None else g @ classifier
        tested = _examples(g, test[1], g @ plane, at, d - k, intercept)
    across = (np.eye(d) - plane @ plane.T) * frame.scale
    return MeasuredLaw(
        pool=pool,
        tested=tested,
        plane=frame.scale[:, None] * plane,
        outside=across.T @ across,
        spectrum=frame.scale**2,
        normalisation=normalisation,
        intercept=intercept,
    )


def _examples(
    whitened: np.ndarray, labels: np.ndarray, place: np.ndarray, field: np.ndarray, outside: int, intercept: bool
) -> Examples:
    n = len(whitened)
    square = np.einsum("ij,ij->i", whitened, whitened) - np.einsum("ij,ij->i", place, place)
    if intercept:
        place = np.column_stack([place, np.ones(n)])
    return Examples(
        coordinates=labels[:, None] * place,
        margin=labels * field / (np.sqrt(np.mean(field**2)) or 1.0),
        square_radius=np.maximum(square, 0.0) / outside,
        group=np.zeros(n, dtype=int),
        share=np.full(n, 1 / n),
        weight=np.ones(n),
        source=np.zeros(n, dtype=int),
    )
