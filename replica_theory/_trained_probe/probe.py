"""A probe: the learner that trains on a share of the pool before anything is pruned.

It is the saddle point (S1)–(S5) with no earlier learner: p = m T + √Q outside, on α_p = ψ α examples,

    λ_p m = α_p E[s G],      Q = α_p V² E[G²],      1/V = λ_p + α_p E[ℓ''/(1 + V ℓ'')]

With z = (p's cavity field)/‖p‖ a standard normal before the label's factor, an example of the training set has margin
f = prox_{Vℓ}(‖p‖ z) and force G = (f − ‖p‖ z)/V; any other has f = ‖p‖ z and G = 0. Given z, the teacher's field s is
N(ρz, σ²), ρ and σ the cosine and sine of the angle between probe and teacher.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr, owens_t

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory._trained_probe.kept_fields import UnseenPool, label_chance
from replica_theory._trained_probe.learner import Learner, MarginFunction
from replica_theory._trained_probe.limits import at_ridge_limit
from replica_theory._trained_probe.minimiser import minimiser
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import Learners, OrderParameters
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss
from replica_theory.losses.named import Hinge, Square
from replica_theory.losses.ridgeless import HardMargin

RESIDUAL_TOLERANCE = 1e-9
REACH = 8.5  # |z| beyond which φ(z) < 1e-16
_NO_EXAMPLE = 1e-15  # share of a pool that rounding does not tell from none
_ORDER = 12  # Gauss–Legendre nodes in a panel of the cavity field
_TRUSTED = 1e-6  # residual from which Newton's last step is trusted: the margins, and a pool's size, need 1e-12
_GRID = np.linspace(-REACH, REACH, 25)  # panel ends in z for averages of functions of the margin


@dataclass(frozen=True, kw_only=True)
class Probe(Learner):
    """A learner that was trained on a share ψ of the whole pool, all of which is ranked.

    Attributes:
        residual: Largest, by another quadrature.
    """

    residual: float

    @cached_property
    def norm(self) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]
        return math.hypot(self.student.along[0], self.student.outside)

    @cached_property
    def force_size(self) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.student.outside / (math.sqrt(self.alpha) * self.scale)

    @cached_property
    def cosine(self) -> float:
        """ρ, of the angle to the teacher."""
        return float(self.student.along[0]) / self.norm

    @cached_property
    def sine(self) -> float:
        """σ, of the angle to the teacher."""
        return self.student.outside / self.norm

    @property
    def angle(self) -> float:
        """θ to the teacher, radians."""
        return math.atan2(self.student.outside, self.student.along[0])

    def angle_of(self, student: OrderParameters) -> float:
        """Between the teacher and a student w = A T + r p + b g beside this probe, radians."""
        A, r = student.along.tolist()
        return math.atan2(math.hypot(r * self.sine, student.outside), A + r * self.cosine)

    @property
    def learners(self) -> Learners:
        """What it leaves to the student: its overlap with the teacher."""
        return Learners(gram=np.array([[1.0, self.cosine], [self.cosine, 1.0]]), force_overlaps=np.ones((1, 1)))

    def minimises(self, loss: Loss, ridge: float) -> bool:
        """Whether it is a student of this loss and ridge; a max-margin probe is one of hinge that violates nothing."""
        if isinstance(loss, Hinge) and isinstance(self.loss, HardMargin):
            return ridge > 0 and not _violates(self.norm, self.as_student(ridge).scale)
        return type(loss) is type(self.loss) and ridge == self.ridge

    def as_student(self, ridge: float) -> OrderParameters:
        """Order parameters of a student w = p: A = 0, r = ‖p‖, b = 0 and, for f_w = ω + V G = f, c = −V.

        At another ridge, of a max-margin probe, the same forces need another V.
        """
        return OrderParameters(
            along=np.array([0.0, self.norm]),
            reaction=np.array([-self.scale * self.force_size]),
            outside=0.0,
            scale=self.scale if ridge == self.ridge else self.scale * self.ridge / ridge,
            residual=self.residual,
        )

    def below(self, z: float, *, trained: bool) -> float:
        """Φ(z) − 2 (1 − 2η) T(z, ρ/σ), Owen's T, whether trained or not."""
        return float(ndtr(z)) - self._skew(z)

    def above(self, z: float, *, trained: bool) -> float:
        return float(ndtr(-z)) + self._skew(z)

    def _skew(self, z: float) -> float:
        return 2 * (1 - 2 * self.label_noise) * float(owens_t(z, self.cosine / self.sine))

    def mean(self, lower: float, upper: float, keep: MarginFunction, *, trained: bool) -> float:
        width = np.full((1, 1), self.sine / self.cosine if self.cosine > 0 else math.nan)
        kinks = self.loss.breakpoints.of_proximal(self.scale)[None] / self.norm
        lower, upper = max(lower, -REACH), min(upper, REACH)
        ends = breakpoints(lower, upper, grid=_GRID, features=(np.zeros((1, 1)), width), kinks=kinks)
        nodes = composite_rule(ends, _ORDER)
        z = nodes.points
        density = label_chance(self.cosine / self.sine * z, self.label_noise) * normal_density(z)
        return float(nodes.weights @ (density * keep(self.margin(z, trained=trained))))


def train_probe(
    loss: Loss, *, alpha: float, ridge: float, share: float, label_noise: float, start: OrderParameters | None = None
) -> Probe:
    """The probe of this loss and ridge, trained on a share of a pool of α examples per dimension.

    Raises:
        ValueError: There is none, or it fits every label alike, so that nothing can be ranked.
        SaddlePointError: It was not found, or a second quadrature does not confirm it.
    """
    training = Training(
        loss=loss,
        alpha=share * alpha,
        ridge=ridge,
        label_noise=label_noise,
        learners=Learners.none(),
        pool=UnseenPool(),
    )
    if isinstance(loss, Square) and ridge == 0 and share * alpha <= 1:
        raise ValueError(
            "`probe` must have a ridge > 0 to rank what it was trained on: with as few as "
            f"{share * alpha:.6g} examples per dimension a square probe without one fits every label exactly"
        )
    training = at_ridge_limit(training)
    student, residual = _confirmed(training, start)
    if not residual <= RESIDUAL_TOLERANCE:
        raise SaddlePointError(f"a second quadrature does not confirm the probe at alpha_total = {alpha}", residual)
    training, student = _without_violations(training, student)
    return Probe(
        loss=training.loss,
        alpha=alpha,
        share=share,
        ridge=training.ridge,
        label_noise=label_noise,
        student=student,
        residual=residual,
    )


def _confirmed(training: Training, start: OrderParameters | None) -> tuple[OrderParameters, float]:
    """The probe and its residual; Newton's last step is trusted unless this tells otherwise."""
    student = minimiser(training, start, order=_ORDER, trusted=_TRUSTED)
    residual = _residual(training, student)
    if residual <= RESIDUAL_TOLERANCE:
        return student, residual
    student = minimiser(training, student, order=_ORDER, trusted=0.0)
    return student, _residual(training, student)


def _without_violations(training: Training, student: OrderParameters) -> tuple[Training, OrderParameters]:
    """A hinge probe that leaves no example short of margin 1 is the max-margin probe, at any ridge that is as small."""
    norm = math.hypot(student.along[0], student.outside)
    if not isinstance(training.loss, Hinge) or _violates(norm, student.scale):
        return training, student
    hard = replace(training, loss=HardMargin(), ridge=1.0)
    return hard, replace(student, scale=training.ridge * student.scale)


def _violates(norm: float, scale: float) -> bool:
    """Whether a hinge learner has examples at z < (1 − V)/‖p‖, short of margin 1."""
    return float(ndtr((1 - scale) / norm)) > _NO_EXAMPLE


def _residual(training: Training, student: OrderParameters) -> float:
    """Of the probe's equations on finer panels, the third as α E[p'] = α − 1 + λV."""
    field = training.field(student, _ORDER + 4)
    m, b, V, alpha = student.along[0], student.outside, student.scale, training.alpha
    pull, square = alpha * field.first(field.force)[0], alpha * field.mean(field.force**2)
    response, shrinkage = alpha * field.mean(1 - field.slope), training.ridge * V
    return max(
        abs(training.ridge * m - pull) / (abs(training.ridge * m) + math.sqrt(alpha * square * field.kept[0])),
        abs(V * V * square / b**2 - 1),
        abs(response + shrinkage - 1) / (1 + shrinkage),
    )
