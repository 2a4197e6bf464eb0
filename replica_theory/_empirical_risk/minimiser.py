"""Minimisers of regularised risk: direction, norm, and how they do on the examples they were trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from replica_theory._empirical_risk.continuation import AlphaPath, solve
from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._empirical_risk.residual import RESIDUAL_TOLERANCE, independent_residual
from replica_theory._empirical_risk.saddle_point import RegularisedRisk
from replica_theory._empirical_risk.separability import threshold
from replica_theory._empirical_risk.square_loss import interpolating_saddle_point, square_saddle_point
from replica_theory._kept_averages.averages import OUTSIDE, KeptAverages
from replica_theory._kept_averages.mixed import MixedAverages, SourceAverages
from replica_theory._numerics.blas_threads import one_blas_thread
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss, Weight
from replica_theory.losses.named import Square, SquaredHinge
from replica_theory.losses.ridgeless import HardMargin, Interpolation
from replica_theory.selection.kept_distribution import KeptDistribution

_LEAST_START_RIDGE = 1e-2  # least λ of the square loss's student from which Newton's method starts
_SOFT_RIDGE = 1e-7  # λ of the squared hinge's student from which it starts for the hard margin
_ORDER_OF_CHECK = 20  # Gauss–Legendre nodes a panel of the second quadrature of E[y s]


@dataclass(frozen=True, kw_only=True)
class Minimiser:
    """A minimiser of regularised risk.

    Attributes:
        direction: w/‖w‖ along the probe, across it towards the teacher, and outside their plane, (3,); of several
            sources on each axis that they know, and outside.
        norm: ‖w‖, in [0, ∞].
        scale: V.
        training_loss: Mean (weighted) loss of the kept examples.
        training_error: Share of the kept examples on the wrong side.
        residual: Largest relative residual of equations (i)–(iv), by the independent evaluation.
    """

    direction: np.ndarray
    norm: float
    scale: float
    training_loss: float
    training_error: float
    residual: float


def minimisers(
    kept: KeptDistribution, loss: Loss, *, alphas: np.ndarray, ridge: float, weight: Weight | None = None
) -> list[Minimiser]:
    """The minimisers at these α, in their order, with the limits ridge → 0 and ridge → ∞.

    Raises:
        ValueError: There is no minimiser.
        SaddlePointError: The independent evaluation does not confirm one.
    """
    averages, order = KeptAverages(kept, weight), np.argsort(alphas)
    ascending = _ascending_minimisers(averages, loss, alphas[order].tolist(), ridge)
    return [ascending[place] for place in np.argsort(order)]


def _ascending_minimisers(averages: KeptAverages, loss: Loss, alphas: list[float], ridge: float) -> list[Minimiser]:
    if math.isinf(ridge):
        return [_hebb(averages, loss, alpha) for alpha in alphas]
    if ridge == 0:
        return _ridgeless_minimisers(averages, loss, alphas)
    training = Training(averages, loss)
    return [training.minimiser(alpha, ridge) for alpha in alphas]


def _ridgeless_minimisers(averages: KeptAverages, loss: Loss, alphas: list[float]) -> list[Minimiser]:
    """λ → 0: below the loss's capacity its constraint, whose student is the same at any ridge; above it, the loss."""
    capacity = _capacity(averages.kept, loss)
    unconstrained = Training(averages, loss)
    constrained = Training(averages, loss.ridgeless_limit) if loss.ridgeless_limit else None

    def minimiser(alpha: float) -> Minimiser:
        if isinstance(loss, Square) and alpha == 1:
            return _DIVERGING
        if alpha >= capacity:
            return unconstrained.minimiser(alpha, 0.0)
        if constrained is None:
            raise ValueError(
                f"`ridge` must be > 0 where the kept labels are separable, alpha_prune < {capacity:.7g}; got 0 "
                f"at alpha_prune = {alpha} (a logistic student has no minimum there; a hinge one is the max-margin "
                "student)"
            )
        return replace(constrained.minimiser(alpha, 1.0), scale=math.inf)

    return [minimiser(alpha) for alpha in alphas]


def _capacity(kept: KeptDistribution, loss: Loss) -> float:
    """α below which all kept examples can have the least loss: 1 for exact fits, else the threshold of separability.

    0 for a user's loss, whose minimum is not known.
    """
    if isinstance(loss.ridgeless_limit, Interpolation):
        return 1.0
    if loss.ridgeless_limit is None and loss.attains_infimum:
        return 0.0
    return threshold(kept)


@dataclass(frozen=True)
class Training:
    """Students of one loss on one distribution of kept examples, at growing α.

    Attributes:
        averages: Over the kept examples.
        loss: ℓ.
        path: Saddle points found so far.
    """

    averages: KeptAverages | MixedAverages
    loss: Loss
    path: AlphaPath = field(default_factory=AlphaPath)

    @one_blas_thread()
    def minimiser(self, alpha: float, ridge: float) -> Minimiser:
        """The student at a finite ridge, or at none where the loss keeps its form.

        Raises:
            SaddlePointError: The independent evaluation does not confirm it.
        """
        point = self._saddle_point(alpha, ridge)
        residual = independent_residual(self.averages, self.loss, point)
        if not residual <= RESIDUAL_TOLERANCE:
            raise SaddlePointError(
                f"a second evaluation does not confirm the student at alpha_prune = {alpha}", residual=residual
            )
        return _described(self.averages, self.loss, point, residual)

    def _saddle_point(self, alpha: float, ridge: float) -> OrderParameters:
        """Closed forms from two moments, or Newton's method from the last α or from the square loss."""
        moments = self.averages.plane_moments
        if isinstance(self.loss, Interpolation):
            return interpolating_saddle_point(*moments, alpha=alpha, ridge=ridge)
        if isinstance(self.loss, Square) and self.averages.unweighted:
            return square_saddle_point(*moments, alpha=alpha, ridge=ridge)
        start = self.path.start(alpha) or self._first_start(alpha, ridge)
        risk = RegularisedRisk(self.loss, self.averages)  # pyright: ignore[reportArgumentType]
        point = solve(risk, replace(start, ridge=ridge))
        self.path.points.append(point)
        return point

    def _first_start(self, alpha: float, ridge: float) -> OrderParameters:
        """The square loss's student; for the hard margin the squared hinge's at a small ridge, with the same λV."""
        moments = self.averages.plane_moments
        start = square_saddle_point(*moments, alpha=alpha, ridge=max(ridge, _LEAST_START_RIDGE))
        if not isinstance(self.loss, HardMargin):
            return start
        risk = RegularisedRisk(SquaredHinge(), self.averages)  # pyright: ignore[reportArgumentType]
        soft = solve(risk, replace(start, ridge=_SOFT_RIDGE))
        return replace(soft, scale=soft.scale * soft.ridge / ridge)


def _described(
    averages: KeptAverages | MixedAverages, loss: Loss, point: OrderParameters, residual: float
) -> Minimiser:
    norm = float(np.linalg.norm(point.components))
    nodes = averages(loss.breakpoints, point.components, point.scale)
    field = loss.proximal(nodes.field, point.scale * nodes.loss_weight)
    return Minimiser(
        direction=point.components / norm,
        norm=norm,
        scale=point.scale,
        training_loss=nodes.mean(nodes.loss_weight * loss.value(field)),
        training_error=nodes.mean(field < 0),
        residual=residual,
    )


def _hebb(averages: KeptAverages, loss: Loss, alpha: float) -> Minimiser:
    """λ → ∞: Hebb's student, the (weighted) mean of y x, of vanishing norm.

    λ w / |ℓ'(0)| tends to α m along the plane, m = E[w y s], and to √(α E w²) outside it, w the sample weight; an
    example's own field is that of the others plus its weight.
    """
    nodes = averages(loss.breakpoints, OUTSIDE, 1.0)
    again = averages.by_quadrature(loss.breakpoints, OUTSIDE, 1.0, _ORDER_OF_CHECK)
    mean, mean_again = (n.first(n.loss_weight * np.ones_like(n.field))[:2] for n in (nodes, again))
    mean_weight, square_weight = (nodes.mean(nodes.loss_weight**power * np.ones_like(nodes.field)) for power in (1, 2))
    components = np.append(alpha * mean, math.sqrt(alpha * square_weight))
    trained = averages(Square.breakpoints, components, 1.0)
    return Minimiser(
        direction=components / np.linalg.norm(components),
        norm=0.0,
        scale=0.0,
        training_loss=mean_weight * float(loss.value(np.zeros(1))[0]),
        training_error=trained.mean(trained.field < -trained.loss_weight),
        residual=float(np.max(np.abs(mean - mean_again))),
    )


# Least squares without a ridge at α = 1: the norm diverges, in random directions.
_DIVERGING = Minimiser(
    direction=OUTSIDE, norm=math.inf, scale=math.inf, training_loss=0.0, training_error=0.0, residual=0.0
)


@dataclass(frozen=True, eq=False)
class PlaneSource:
    """A source of kept examples: their distribution, its plane (2, k) on common axes, α_k, c_k, weights by margin."""

    kept: KeptDistribution
    plane: np.ndarray
    alpha: float
    weight: float
    sample_weight: Weight | None


def mixed_minimiser(sources: Sequence[PlaneSource], loss: Loss, *, ridge: float) -> Minimiser:
    """The minimiser of one risk over several sources, 0 < λ < ∞.

    Raises:
        SaddlePointError: The independent evaluation does not confirm it.
    """
    alpha = sum(source.alpha for source in sources)
    averages = MixedAverages(
        [
            SourceAverages(KeptAverages(s.kept, s.sample_weight), s.plane, share=s.alpha / alpha, weight=s.weight)
            for s in sources
        ]
    )
    return Training(averages, loss).minimiser(alpha, ridge)
