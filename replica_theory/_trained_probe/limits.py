"""What training becomes at infinite ridge, at ridge 0, and where the student is the probe itself."""

import math
from dataclasses import dataclass, replace

import numpy as np

from replica_theory._trained_probe.constraints import Misclassified
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory.errors import SaddlePointError
from replica_theory.losses.named import Square
from replica_theory.losses.ridgeless import Linear

_ORDER = 10  # Gauss–Legendre nodes in a panel
_ITERATIONS = 100  # Newton steps at most
_TOLERANCE = 1e-9  # gradient of the shortfall, relative to the shortfall
_NEGLIGIBLE = 1e-7  # shortfall that is not told from none
_LONGEST = 3.0  # largest change of A, r or c in one step
_SHORTEST = 1e-3  # least share of Newton's step that is tried


def at_ridge_limit(training: Training) -> Training:
    """The same, with the loss and the ridge by which its limit is reached where the ridge is 0 or infinite.

    As λ → 0 a loss whose least value can be attained on all that is kept becomes that constraint, and any ridge gives
    the same w; one that cannot is minimised without a ridge.

    Raises:
        ValueError: A loss that is nowhere least has no minimum, for what is kept is separable.
    """
    if math.isinf(training.ridge):
        return replace(training, loss=Linear(), ridge=1.0)
    if training.ridge > 0:
        return training
    loss = training.loss
    limit = loss.ridgeless_limit
    if isinstance(loss, Square) and limit is not None:
        interpolates = training.alpha * kept_fraction(training) < 1
        return replace(training, loss=limit, ridge=1.0) if interpolates else training
    if (limit is None and loss.attains_infimum) or not is_separable(training):
        return training
    if limit is None:
        raise ValueError(
            "`ridge` must be > 0 where the kept labels are separable; got 0 "
            "(a logistic student has no minimum there; a hinge one is the max-margin student)"
        )
    return replace(training, loss=limit, ridge=1.0)


def kept_fraction(training: Training) -> float:
    """E k over the pool, by quadrature."""
    outside = OrderParameters.outside_all(training.learners)
    return float(training.pool.fields(outside, Square(), _ORDER).moments(training.label_noise)[0, 0])


def is_separable(training: Training) -> bool:
    """Whether some student classifies all that is kept.

    Without label noise the teacher does, and where no kept margin of an earlier learner is negative, or none positive,
    that learner. By Gordon's comparison at margin 0, with b = 1, such a student exists if and only if α M < 1,

        M = min_{A, r} max_c { E[k (−ω)₊²] − c·M c},      ω = A s + r·f + c·G + g
    """
    margins = training.pool.fields(OrderParameters.outside_all(training.learners), Square(), _ORDER).margins
    if training.label_noise == 0 or any(np.all(f > 0) or np.all(f < 0) for f in margins):
        return True
    return training.alpha * shortfall(training) < 1


def shortfall(training: Training) -> float:
    """M of `is_separable`; the separability threshold is 1/M."""
    training = replace(training, loss=Misclassified(), ridge=0.0)
    student = OrderParameters.outside_all(training.learners)
    here = _shortfall(training, student)
    for _ in range(_ITERATIONS):
        step = -np.linalg.lstsq(here.curvature, here.slope)[0]
        step *= min(1.0, _LONGEST / np.max(np.abs(step)))
        student, here = _searched(training, student, here, step)
        if np.linalg.norm(here.slope) < _TOLERANCE * max(here.value, _NEGLIGIBLE):
            return here.value
    raise SaddlePointError("no separability threshold found", residual=float(np.linalg.norm(here.slope)))


@dataclass(frozen=True)
class _Shortfall:
    """E[k (−ω)₊²] − c·M c, with its gradient and Hessian by (A, r, c)."""

    value: float
    slope: np.ndarray
    curvature: np.ndarray


def _searched(
    training: Training, student: OrderParameters, here: _Shortfall, step: np.ndarray
) -> tuple[OrderParameters, _Shortfall]:
    """The longest share of a step that lessens the gradient."""
    count, share = len(student.along), 1.0
    while True:
        trial = replace(
            student, along=student.along + share * step[:count], reaction=student.reaction + share * step[count:]
        )
        there = _shortfall(training, trial)
        if share < _SHORTEST or np.linalg.norm(there.slope) <= (1 - 0.1 * share) * np.linalg.norm(here.slope):
            return trial, there
        share /= 3


def _shortfall(training: Training, student: OrderParameters) -> _Shortfall:
    field, M, c = training.field(student, _ORDER), training.learners.force_overlaps, student.reaction
    short, count = np.maximum(-field.omega, 0.0), len(student.along)
    slope, curvature = -2 * field.first(short)[:-1], 2 * field.second(1.0 * (field.omega < 0))[:-1, :-1]
    slope[count:] -= 2 * M @ c
    curvature[count:, count:] -= 2 * M
    return _Shortfall(field.mean(short**2) - float(c @ M @ c), slope, curvature)
