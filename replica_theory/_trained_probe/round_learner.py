"""A learner of a later round: trained on what earlier rounds have kept, and ranking it.

Given an example's earlier fields, the learner's own cavity field is Gaussian and correlated with the teacher's field s
(see `student_field`): ω = centre + S ξ, and s = μ + σ (κ ξ + √(1 − κ²) ν) with κ = A σ/S. The share of the node below
z = ω/‖p‖ is that of a bivariate normal,

    E[1(ξ < u) · label's factor] = 2 η Φ(u) + 2 (1 − 2η) P(ξ < u, s > 0),      u = (‖p‖ z − centre)/S

and the distribution of z its average over the nodes.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr, owens_t

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import panel_rule
from replica_theory._trained_probe.kept_fields import KeptFields, label_chance
from replica_theory._trained_probe.learner import Learner, MarginFunction
from replica_theory._trained_probe.order_parameters import Learners, OrderParameters
from replica_theory.losses.base import Loss

_REACH = 8.5  # |ξ| beyond which φ(ξ) < 1e-16
_PANELS = np.linspace(0.0, 1.0, 13)  # ends, as shares of an interval of ξ
_APART = 1e-4  # b/‖w‖ of a learner that repeats the last one
_LEAST = 1e-300  # that stands for 0 in a denominator


@dataclass(frozen=True, kw_only=True)
class RoundLearner(Learner):
    """A learner after J others.

    Attributes:
        before: What those have left.
        kept: The examples that it was trained on a share of.
        training_share: That share; ``share`` is that of all examples which it ranks.
        dropped: Examples that earlier rounds have dropped and that it ranks again, if any.
    """

    before: Learners
    kept: KeptFields
    training_share: float
    dropped: KeptFields | None = None

    @property
    def norm(self) -> float:
        along = self.student.along
        return math.sqrt(along @ self.before.gram @ along + self.student.outside**2)

    @property
    def force_size(self) -> float:
        reaction = self.student.reaction @ self.before.force_overlaps @ self.student.reaction
        return math.sqrt(self.student.outside**2 / self.alpha + reaction) / self.scale

    @property
    def after(self) -> Learners:
        """What it leaves, with the others, to the next: Γ and M with a row and a column more, the latter by (S3)."""
        overlaps = self.before.gram @ self.student.along / self.norm
        forces = -self.before.force_overlaps @ self.student.reaction / (self.scale * self.force_size)
        return Learners(
            gram=bordered(self.before.gram, overlaps), force_overlaps=bordered(self.before.force_overlaps, forces)
        )

    @property
    def direction(self) -> np.ndarray:
        """Its unit vector in terms of the teacher and all learners, itself the last."""
        return np.append(np.zeros(len(self.before.gram)), 1.0)

    def minimises(self, loss: Loss, ridge: float, share: float) -> bool:
        """Whether it is what this loss and ridge make of this share of what it was trained on a share of."""
        same = type(loss) is type(self.loss) and ridge == self.ridge
        return same and share == self.training_share == 1

    def rows(self, nodes: KeptFields, z: np.ndarray, *, trained: bool) -> tuple[np.ndarray, np.ndarray]:
        """Margins and forces of all learners, itself the last, at each node's z."""
        margin = self.margin(z, trained=trained)
        force = self.force(z, margin) if trained else np.zeros_like(z)
        return np.vstack([nodes.margins, margin / self.norm]), np.vstack([nodes.forces, force])

    @property
    def repeated(self) -> OrderParameters:
        """A learner w = p, for f_w = ω + V G = f; its b is set to a little, so that the Gram matrix stays regular."""
        count, norm = len(self.before.gram), self.norm
        return OrderParameters(
            along=np.append(np.zeros(count), norm),
            reaction=np.append(np.zeros(count - 1), -self.scale * self.force_size),
            outside=_APART * norm,
            scale=self.scale,
        )

    @property
    def angle(self) -> float:
        """To the teacher, radians."""
        gram, along = self.before.gram, self.student.along
        across = gram - np.outer(gram[0], gram[0])
        return math.atan2(math.sqrt(along @ across @ along + self.student.outside**2), gram[0] @ along)

    def shift_and_spread(self, fields: KeptFields) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of ω at each node, before the label's factor."""
        student = self.student
        centre = student.along[0] * fields.mean + student.along[1:] @ fields.margins
        centre += student.reaction @ fields.forces
        return centre, np.hypot(student.along[0] * fields.spread, student.outside)

    def below(self, z: float, *, trained: bool) -> float:
        if (z, trained) not in self._known:  # a quantile asks for the shares below and above each z
            masses, totals = zip(*(self._masses(fields, z) for fields in self._of_kind(trained)), strict=True)
            self._known[z, trained] = self._averaged(masses, totals, trained)
        return self._known[z, trained]

    def above(self, z: float, *, trained: bool) -> float:
        return 1 - self.below(z, trained=trained)

    @cached_property
    def _known(self) -> dict[tuple[float, bool], float]:
        """Shares below z that were asked for already."""
        return {}

    def _of_kind(self, trained: bool) -> list[KeptFields]:
        return [self.kept] if trained or self.dropped is None else [self.kept, self.dropped]

    def _averaged(self, masses: tuple[float, ...], totals: tuple[float, ...], trained: bool) -> float:
        """Σ masses/Σ totals over the examples of a kind; of those kept, training has left out a share 1 − ψ."""
        shares = np.array([1.0 if trained or self.dropped is None else 1 - self.training_share, 1.0][: len(masses)])
        return float(shares @ np.array(masses) / (shares @ np.array(totals)))

    def _masses(self, fields: KeptFields, z: float) -> tuple[float, float]:
        """Mass of the nodes' examples below z, and of all."""
        centre, S = self.shift_and_spread(fields)
        u, h = (self.norm * z - centre) / S, fields.mean / fields.spread
        kappa = self.student.along[0] * fields.spread / S
        right = bivariate_normal(u, h, -kappa)
        below = 2 * self.label_noise * ndtr(u) + 2 * (1 - 2 * self.label_noise) * right
        return float(fields.weight @ below), float(fields.weight @ label_chance(h, self.label_noise))

    def mean(self, lower: float, upper: float, keep: MarginFunction, *, trained: bool) -> float:
        parts = [self._mean_over(fields, lower, upper, keep, trained) for fields in self._of_kind(trained)]
        totals = [self._masses(fields, 0.0)[1] for fields in self._of_kind(trained)]
        return self._averaged(tuple(parts), tuple(totals), trained)

    def _mean_over(self, fields: KeptFields, lower: float, upper: float, keep: MarginFunction, trained: bool) -> float:
        centre, S = self.shift_and_spread(fields)
        first, last = (np.clip((self.norm * z - centre) / S, -_REACH, _REACH) for z in (lower, upper))
        xi, weights = panel_rule(first[:, None] + (last - first)[:, None] * _PANELS, order=6)
        b, sigma = self.student.outside, fields.spread
        argument = (fields.mean * S / (sigma * b))[:, None] + (self.student.along[0] * sigma / b)[:, None] * xi
        density = label_chance(argument, self.label_noise) * normal_density(xi) * weights
        z = (centre[:, None] + S[:, None] * xi) / self.norm
        return float(fields.weight @ np.sum(density * keep(self.margin(z, trained=trained)), axis=1))


def bivariate_normal(h: np.ndarray, k: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """P(x < h, y < k) of standard normals of correlation ρ, by Owen's T."""
    h, k = (np.where(np.abs(value) < _LEAST, _LEAST, value) for value in (h, k))
    across = np.sqrt((1 - rho) * (1 + rho))
    with np.errstate(over="ignore"):  # T(h, ±∞) is the limit of a ratio that is too large for a number
        total = 0.5 * (ndtr(h) + ndtr(k)) - owens_t(h, (k / h - rho) / across) - owens_t(k, (h / k - rho) / across)
    return total - 0.5 * (h * k < 0)


def bordered(matrix: np.ndarray, border: np.ndarray) -> np.ndarray:
    """With a last row and column more, and 1 in the corner."""
    return np.block([[matrix, border[:, None]], [border[None], np.ones((1, 1))]])
