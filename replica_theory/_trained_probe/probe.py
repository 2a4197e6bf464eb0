"""A probe: the learner that trains on a share of the pool before anything is pruned.

It is the saddle point (S1)–(S5) with no earlier learner: p = m T + √Q outside, on α_p = ψ α examples,

    λ_p m = α_p E[s G],      Q = α_p V² E[G²],      1/V = λ_p + α_p E[ℓ''/(1 + V ℓ'')]

With z = (p's cavity field)/‖p‖ a standard normal before the label's factor, an example of the training set has margin
f = prox_{Vℓ}(‖p‖ z) and force G = (f − ‖p‖ z)/V; any other has f = ‖p‖ z and G = 0. Given z, the teacher's field s is
N(ρz, σ²), ρ and σ the cosine and sine of the angle between probe and teacher.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, owens_t

from replica_theory._trained_probe.kept_fields import UnseenPool
from replica_theory._trained_probe.limits import at_ridge_limit
from replica_theory._trained_probe.minimiser import minimiser
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import Learners, OrderParameters
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss
from replica_theory.losses.named import Hinge, Square, SquaredHinge
from replica_theory.losses.ridgeless import HardMargin

RESIDUAL_TOLERANCE = 1e-9
_ORDER = 12  # Gauss–Legendre nodes in a panel of the cavity field


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A trained probe and the pool that it was trained on.

    Attributes:
        loss: ℓ_p.
        alpha: α of the pool, examples per dimension.
        share: ψ, share of the pool that it was trained on.
        ridge: λ_p.
        label_noise: η.
        student: Its order parameters.
        residual: Largest, by another quadrature.
    """

    loss: Loss
    alpha: float
    share: float
    ridge: float
    label_noise: float
    student: OrderParameters
    residual: float

    @property
    def scale(self) -> float:
        """V_p."""
        return self.student.scale

    @property
    def overlap(self) -> float:
        """m = p·T."""
        return float(self.student.along[0])

    @property
    def norm(self) -> float:
        """‖p‖."""
        return math.hypot(self.overlap, self.student.outside)

    @property
    def cosine(self) -> float:
        """ρ, of the angle to the teacher."""
        return self.overlap / self.norm

    @property
    def sine(self) -> float:
        """σ, of the angle to the teacher."""
        return self.student.outside / self.norm

    @property
    def angle(self) -> float:
        """θ to the teacher, radians."""
        return math.atan2(self.student.outside, self.overlap)

    @property
    def force_size(self) -> float:
        """√(E G²) over the pool, those outside the training set included: Q = α V² E[G²]."""
        return self.student.outside / (math.sqrt(self.alpha) * self.scale)

    @property
    def learners(self) -> Learners:
        """What it leaves to the student: its overlap with the teacher."""
        return Learners(gram=np.array([[1.0, self.cosine], [self.cosine, 1.0]]), force_overlaps=np.ones((1, 1)))

    @property
    def pulls_below(self) -> float:
        """z below which its force is not 0."""
        return 1 / self.norm if isinstance(self.loss, (Hinge, SquaredHinge, HardMargin)) else math.inf

    def minimises(self, loss: Loss, ridge: float) -> bool:
        """Whether it is a student of this loss and ridge."""
        return type(loss) is type(self.loss) and ridge == self.ridge

    @property
    def as_student(self) -> OrderParameters:
        """Order parameters of a student w = p: A = 0, r = ‖p‖, b = 0 and, for f_w = ω + V G = f, c = −V."""
        return OrderParameters(
            along=np.array([0.0, self.norm]),
            reaction=np.array([-self.scale * self.force_size]),
            outside=0.0,
            scale=self.scale,
            residual=self.residual,
        )

    def trained(self, z: np.ndarray) -> np.ndarray:
        """f of its training examples at z."""
        return self.loss.proximal(self.norm * z, self.scale)

    def cavity(self, margin: float) -> float:
        """z of the training examples of this margin, away from ties: ‖p‖ z = f + V ℓ'(f)."""
        if not math.isfinite(margin):
            return margin
        return float(margin + self.scale * self.loss.derivative(np.array(margin))) / self.norm

    @property
    def ties(self) -> tuple[float, float] | None:
        """z between which all training examples have margin 1; none if the loss has no corner."""
        if isinstance(self.loss, Hinge):
            return (1 - self.scale) / self.norm, 1 / self.norm
        return (-math.inf, 1 / self.norm) if isinstance(self.loss, HardMargin) else None

    def below(self, z: float) -> float:
        """P(z' < z) = Φ(z) − 2 (1 − 2η) T(z, ρ/σ), Owen's T."""
        return float(ndtr(z)) - self._skew(z)

    def above(self, z: float) -> float:
        """P(z' > z), without cancellation."""
        return float(ndtr(-z)) + self._skew(z)

    def _skew(self, z: float) -> float:
        return 2 * (1 - 2 * self.label_noise) * float(owens_t(z, self.cosine / self.sine))


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
    student = minimiser(training, start, order=_ORDER, coarse=_ORDER)
    residual = _residual(training, student)
    if not residual <= RESIDUAL_TOLERANCE:
        raise SaddlePointError(f"a second quadrature does not confirm the probe at alpha_total = {alpha}", residual)
    return Probe(
        loss=training.loss,
        alpha=alpha,
        share=share,
        ridge=training.ridge,
        label_noise=label_noise,
        student=student,
        residual=residual,
    )


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
