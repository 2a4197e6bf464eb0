"""Students under rules that keep the same fraction of one pool, ranked by the probe that was trained on it."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._trained_probe.first_variation import Influence
from replica_theory._trained_probe.limits import at_ridge_limit
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.minimiser import minimiser
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.probe import Probe
from replica_theory._trained_probe.pruned_pool import PrunedPool
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss, Weight
from replica_theory.selection import Selection
from replica_theory.selection.base import pieces_kept_by


@dataclass(frozen=True)
class RuledStudent:
    """A student on what is kept.

    Attributes:
        rule: What is kept.
        pool: That part of the pool.
        training: With what it is trained.
        state: Its order parameters.
        label_aware: Whether the rule ranks signed margins.
        is_the_probe: Whether it is the probe itself.
    """

    rule: Selection
    pool: PrunedPool
    training: Training
    state: OrderParameters
    label_aware: bool
    is_the_probe: bool

    @property
    def log_error(self) -> float:
        """ln ε."""
        probe = self.pool.probe
        angle = probe.angle_of(self.state)
        if not angle > 0:
            raise SaddlePointError(f"no student found at alpha_total = {probe.alpha}", residual=self.state.residual)
        return math.log(angle / math.pi)

    @cached_property
    def _influence(self) -> Influence:
        return Influence.at(self.training, self.state, self.pool.margins, self.pool.keep_fraction)

    def influence(self, margin: np.ndarray) -> np.ndarray:
        """ι by the margin that the rule sees; 0 of a student that is the probe, which exchanges leave as it is.

        That holds for exchanges of examples on which the probe does not pull, the only ones that keep its forces.
        """
        if self.is_the_probe:
            return np.zeros_like(margin)
        return self._influence.by_margin(margin, label_aware=self.label_aware)

    @property
    def log_ridge_slope(self) -> float:
        """∂ ln ε/∂ ln λ."""
        return 0.0 if self.is_the_probe else self._influence.log_ridge_slope

    @property
    def scales(self) -> tuple[np.ndarray, np.ndarray]:
        """None but those of the axis."""
        return np.empty(0), np.empty(0)


@dataclass(frozen=True)
class RuledStudents:
    """Students on one pool.

    Attributes:
        loss: ℓ_w.
        ridge: λ_w in [0, ∞], where none is asked for.
        margins: Of the pool, as its probe's training has left them.
        weight: Sample weight of the loss; the influence of examples is that of students without one.
    """

    loss: Loss
    ridge: float
    margins: TrainedMargins
    weight: Weight | None = None

    def under(self, rule: Selection, log_ridge: float | None, near: RuledStudent | None) -> RuledStudent:
        """The student on what this rule keeps, found from another's state.

        Raises:
            ValueError: There is none.
            SaddlePointError: It was not found.
        """
        pool = near.pool if near is not None and near.rule is rule else self._pruned(rule)
        ridge = self.ridge if log_ridge is None else math.exp(log_ridge)
        training = at_ridge_limit(pool.training(self.loss, ridge))
        aware = getattr(rule, "label_aware", False)
        if pool.makes_the_probe(training.loss, training.ridge):
            return RuledStudent(rule, pool, training, pool.probe.as_student(training.ridge), aware, True)
        start = None if near is None or near.is_the_probe else near.state
        return RuledStudent(
            rule, pool, training, minimiser(training, start, resort=pool.near_the_probe(training)), aware, False
        )

    def _pruned(self, rule: Selection) -> PrunedPool:
        assert isinstance(self.margins.learner, Probe)
        pieces, fraction = pieces_kept_by(rule, self.margins)
        return PrunedPool(
            probe=self.margins.learner,
            margins=self.margins,
            intervals=tuple(self.margins.intervals(pieces)),
            keep_fraction=fraction,
            weight=self.weight,
        )
