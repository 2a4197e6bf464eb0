"""Students of one loss under rules that keep the same fraction of one pool."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from replica_theory._empirical_risk.continuation import solve
from replica_theory._empirical_risk.first_variation import Influence
from replica_theory._empirical_risk.minimiser import Training
from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._empirical_risk.saddle_point import RegularisedRisk
from replica_theory._empirical_risk.separability import threshold
from replica_theory._empirical_risk.square_loss import interpolating_saddle_point, square_saddle_point
from replica_theory._kept_averages.averages import KeptAverages
from replica_theory.geometry import angle_to, in_plane
from replica_theory.losses.base import Loss, Weight
from replica_theory.losses.named import Square
from replica_theory.losses.ridgeless import HardMargin, Interpolation, Linear
from replica_theory.selection import Selection
from replica_theory.selection.kept_distribution import KeptDistribution
from replica_theory.selection.label_noise import Noise


@dataclass(frozen=True)
class RuledStudent:
    """A student on what is kept.

    Attributes:
        rule: What is kept.
        risk: Its loss, or the limit that stands for it, and the averages over what is kept.
        point: Its order parameters.
    """

    rule: Selection
    risk: RegularisedRisk
    point: OrderParameters

    @cached_property
    def log_error(self) -> float:
        """ln ε."""
        angle = angle_to(self.point.components, in_plane(self.risk.averages.kept.probe_angle))
        return float(np.log(angle / math.pi))

    @cached_property
    def influence(self) -> Influence:
        """ι by signed margin."""
        return Influence.at(self.risk, self.point)

    @property
    def log_ridge_slope(self) -> float:
        """∂ ln ε/∂ ln λ."""
        return self.influence.log_ridge_slope

    @property
    def scales(self) -> tuple[np.ndarray, np.ndarray]:
        """Margins at which the student's field meets a corner of the proximal operator, and how softly."""
        a1, a2, b = self.point.components.tolist()
        breakpoints = self.risk.loss.breakpoints
        omega = breakpoints.of_proximal(self.point.scale) if breakpoints.corners else np.zeros(1)
        slope = a1 if a1 else math.inf
        return omega / slope, np.full(omega.size, math.hypot(a2, b) / abs(slope))


@dataclass(frozen=True)
class RuledStudents:
    """Students at one α_prune, θ and η.

    Attributes:
        loss: ℓ.
        ridge: λ in [0, ∞], where none is asked for.
        alpha_prune: α, kept examples per dimension.
        probe_angle: θ, radians.
        label_noise: η.
        weight: Sample weight of the loss; the influence of examples is that of students without one.
    """

    loss: Loss
    ridge: float
    alpha_prune: float
    probe_angle: float
    label_noise: Noise
    weight: Weight | None = None

    def under(self, rule: Selection, log_ridge: float | None, near: RuledStudent | None) -> RuledStudent:
        """The student on what this rule keeps, found from another's state.

        Raises:
            ValueError: There is none: a logistic student without ridge of separable labels.
        """
        if near is not None and near.rule is rule:
            averages = near.risk.averages
        else:
            averages = KeptAverages(rule.kept_distribution(self.probe_angle, self.label_noise), self.weight)
        loss, ridge = self._limit(averages.kept, self.ridge if log_ridge is None else math.exp(log_ridge))
        risk = RegularisedRisk(loss, averages)
        return RuledStudent(rule, risk, self._point(risk, ridge, near))

    def _point(self, risk: RegularisedRisk, ridge: float, near: RuledStudent | None) -> OrderParameters:
        if isinstance(risk.loss, Interpolation):
            return interpolating_saddle_point(*risk.averages.plane_moments, alpha=self.alpha_prune, ridge=ridge)
        if isinstance(risk.loss, Square) and self.weight is None:
            return square_saddle_point(*risk.averages.plane_moments, alpha=self.alpha_prune, ridge=ridge)
        if near is not None and type(near.risk.loss) is type(risk.loss):
            return solve(risk, replace(near.point, ridge=ridge))
        student = Training(risk.averages, risk.loss).minimiser(self.alpha_prune, ridge)
        return OrderParameters(self.alpha_prune, ridge, student.norm * student.direction, student.scale)

    def _limit(self, kept: KeptDistribution, ridge: float) -> tuple[Loss, float]:
        """The loss and the ridge, or what stands for them at λ = 0 and ∞."""
        if math.isinf(ridge):
            return Linear(), 1.0
        if ridge > 0:
            return self.loss, ridge
        limit = self.loss.ridgeless_limit
        if isinstance(limit, Interpolation):
            return (limit, 1.0) if self.alpha_prune < 1 else (self.loss, 0.0)
        separable = not self.loss.attains_infimum or isinstance(limit, HardMargin)
        if not (separable and self.alpha_prune < threshold(kept)):
            return self.loss, 0.0
        if limit is None:
            raise ValueError(
                "`ridge` must be > 0 where the kept labels are separable; got 0 "
                "(a logistic student has no minimum there; a hinge one is the max-margin student)"
            )
        return limit, 1.0
