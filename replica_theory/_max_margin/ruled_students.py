"""Max-margin students under rules that keep the same fraction of one pool."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._max_margin.continuation import solve_student
from replica_theory._max_margin.first_variation import Influence
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory.selection import Selection
from replica_theory.selection.kept_distribution import KeptDistribution


@dataclass(frozen=True)
class RuledStudent:
    """A max-margin student on what is kept."""

    kept: KeptDistribution
    state: OrderParameters

    @cached_property
    def log_error(self) -> float:
        """ln ε."""
        return float(math.log(self.state.generalization_error))

    log_ridge_slope: float = 0.0

    @cached_property
    def influence(self) -> Influence:
        """ι by signed margin."""
        return Influence.at(self.kept, self.state)

    @property
    def scales(self) -> tuple[np.ndarray, np.ndarray]:
        """Where shortfall begins, and how softly."""
        to_probe = float(self.kept.probe_angle - self.state.angle)
        k, p = float(self.state.k), float(self.state.length)
        return np.array([k / p * math.cos(to_probe)]), np.array([math.hypot(1 / p, math.sin(to_probe))])


@dataclass(frozen=True)
class RuledStudents:
    """Students at one α_prune and θ.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        probe_angle: θ, radians.
    """

    alpha_prune: float
    probe_angle: float

    def under(self, rule: Selection, log_ridge: float | None, near: RuledStudent | None) -> RuledStudent:
        """The student on what this rule keeps, found from another's state."""
        kept = rule.kept_distribution(self.probe_angle)
        return RuledStudent(kept, solve_student(kept, self.alpha_prune, near=near and near.state).students)
