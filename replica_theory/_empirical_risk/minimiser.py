"""One trained student: its direction and norm, and how it does on the examples it was trained on."""

import math
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from replica_theory._empirical_risk.newton import Path, RiskProblem, RiskStudent, solve
from replica_theory._empirical_risk.residual import RESIDUAL_TOLERANCE, independent_residual
from replica_theory._empirical_risk.separability import threshold_of
from replica_theory._empirical_risk.square_loss import square_student
from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.quadrature import quadrature_nodes
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss
from replica_theory.losses.named import Logistic, Square, SquaredHinge
from replica_theory.losses.ridgeless import HardMargin, Interpolation

_SOFT_RIDGE = 1e-7
_START_RIDGE = 1e-2  # at least; a start only
_OUTSIDE = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class TrainedStudent:
    """A minimiser of regularised risk.

    Attributes:
        direction: Unit vector (3,): along the probe, across it towards the teacher, outside their plane.
        norm: ‖w‖, in [0, ∞].
        scale: V.
        training_loss: Mean (weighted) loss of the kept examples.
        training_error: Share of the kept examples on the wrong side.
        residual: Largest, by the independent evaluation.
    """

    direction: np.ndarray
    norm: float
    scale: float
    training_loss: float
    training_error: float
    residual: float


def train(averages: KeptAverages, loss: Loss, *, alphas: np.ndarray, ridge: float) -> list[TrainedStudent]:
    """The minimisers at these α, in their order, with the limits ridge → 0 and ridge → ∞.

    Raises:
        ValueError: There is no minimiser.
        SaddlePointError: The equations do not confirm it.
    """
    paths: dict[str, Path] = defaultdict(Path)
    order = np.argsort(alphas)
    students = [_trained(averages, loss, alpha, ridge, paths) for alpha in alphas[order].tolist()]
    return [students[place] for place in np.argsort(order)]


def _trained(averages: KeptAverages, loss: Loss, alpha: float, ridge: float, paths: dict[str, Path]) -> TrainedStudent:
    if math.isinf(ridge):
        return _mean_student(averages, loss, alpha)
    if ridge > 0:
        return _minimiser(averages, loss, alpha, ridge, paths["loss"])
    if isinstance(loss, Square) and alpha == 1:
        return _diverging_student(averages)
    constraint = _constraint(averages, loss, alpha)
    if constraint is None:
        return _minimiser(averages, loss, alpha, 0.0, paths["loss"])
    return replace(_minimiser(averages, constraint, alpha, 1.0, paths["constraint"]), scale=math.inf)


def _constraint(averages: KeptAverages, loss: Loss, alpha: float) -> Loss | None:
    """What replaces the loss as ridge → 0 where its least value is attained: then any ridge gives the same w."""
    if isinstance(loss, Square):
        return loss.ridgeless if alpha < 1 else None
    if not isinstance(loss, Logistic) and loss.ridgeless is None:
        return None
    threshold = threshold_of(averages.law)
    if alpha >= threshold:
        return None
    if loss.ridgeless is None:
        raise ValueError(
            f"`ridge` must be > 0 where the kept labels are separable, alpha_prune < {threshold:.7g}; got 0 at "
            f"alpha_prune = {alpha} (a logistic student has no minimum there; a hinge one is the max-margin student)"
        )
    return loss.ridgeless


def _minimiser(averages: KeptAverages, loss: Loss, alpha: float, ridge: float, path: Path) -> TrainedStudent:
    moments = averages.plane_moments
    if isinstance(loss, Interpolation):
        limit = square_student(*moments, alpha=alpha, ridge=0.0)
        student = RiskStudent(alpha, ridge, limit.components, (1 - alpha) / ridge, math.inf)
    elif isinstance(loss, Square) and averages.weight is None:
        student = square_student(*moments, alpha=alpha, ridge=ridge)
    else:
        start = path.ahead(alpha)
        if start is None:
            start = square_student(*moments, alpha=alpha, ridge=max(ridge, _START_RIDGE))
            if isinstance(loss, HardMargin):
                start = _nearly_hard(averages, start, ridge)
        student = solve(RiskProblem(loss, averages), replace(start, ridge=ridge))
        path.found.append(student)
    residual = independent_residual(averages, loss, student)
    if not residual <= RESIDUAL_TOLERANCE:
        raise SaddlePointError(
            f"a second evaluation does not confirm the student at alpha_prune = {alpha}", residual=residual
        )
    return _described(averages, loss, student, residual)


def _nearly_hard(averages: KeptAverages, start: RiskStudent, ridge: float) -> RiskStudent:
    """The squared hinge's student at a small ridge, with λV as it is: a start for the hard margin, at any ridge."""
    soft = solve(RiskProblem(SquaredHinge(), averages), replace(start, ridge=_SOFT_RIDGE))
    return replace(soft, scale=soft.scale * soft.ridge / ridge)


def _described(averages: KeptAverages, loss: Loss, student: RiskStudent, residual: float) -> TrainedStudent:
    norm = float(np.linalg.norm(student.components))
    cells = averages(loss, student.components, student.scale)
    field = loss.proximal(cells.field, student.scale * cells.loss_weight)
    return TrainedStudent(
        direction=student.components / norm,
        norm=norm,
        scale=student.scale,
        training_loss=cells.mean(cells.loss_weight * loss.value(field)),
        training_error=cells.mean(field < 0),
        residual=residual,
    )


def _mean_student(averages: KeptAverages, loss: Loss, alpha: float) -> TrainedStudent:
    """ridge → ∞: Hebb's student, the (weighted) mean of y x, of vanishing norm.

    λ w / |ℓ'(0)| tends to α m along the plane, m = E[w y s], and √(α E w²) outside it; an example's own field
    is that of the others plus its weight.
    """
    cells = averages(loss, _OUTSIDE, 1.0)
    again = quadrature_nodes(averages.law, _OUTSIDE, loss, 1.0, weight=averages.weight, order=20)
    mean, other = (c.first(c.loss_weight * np.ones_like(c.field))[:2] for c in (cells, again))
    total, square = (cells.mean(cells.loss_weight**power * np.ones_like(cells.field)) for power in (1, 2))
    components = np.append(alpha * mean, math.sqrt(alpha * square))
    fields = averages(Square(), components, 1.0)
    return TrainedStudent(
        direction=components / np.linalg.norm(components),
        norm=0.0,
        scale=0.0,
        training_loss=total * float(loss.value(np.zeros(1))[0]),
        training_error=fields.mean(fields.field < -fields.loss_weight),
        residual=float(np.max(np.abs(mean - other))),
    )


def _diverging_student(averages: KeptAverages) -> TrainedStudent:
    """The least-squares student without ridge at α = 1, whose norm diverges in random directions."""
    return TrainedStudent(
        direction=_OUTSIDE, norm=math.inf, scale=math.inf, training_loss=0.0, training_error=0.0, residual=0.0
    )
