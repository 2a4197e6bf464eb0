"""Students trained on what their own pool's probe has kept, along a curve of α."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from replica_theory._numerics.blas_threads import one_blas_thread
from replica_theory._trained_probe.curve import Curve
from replica_theory._trained_probe.fit import Fit, fit_of, fit_of_the_probe
from replica_theory._trained_probe.limits import at_ridge_limit
from replica_theory._trained_probe.minimiser import FINE, QUADRATIC, minimiser
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.pruned_pool import PrunedPool
from replica_theory._trained_probe.pruning import Pruning
from replica_theory._trained_probe.residual import RESIDUAL_TOLERANCE, triangular_residual
from replica_theory._trained_probe.slope import log_error_slope
from replica_theory._trained_probe.student_field import StudentField
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss
from replica_theory.losses.named import Square
from replica_theory.losses.ridgeless import HardMargin, Interpolation, Linear

# Gauss–Legendre nodes in a panel, the residual from which Newton's last step is trusted, and whether to go on from the
# student found before: until one's own residual is small
_ATTEMPTS = ((FINE, QUADRATIC, True), (FINE, 0.0, True), (12, 0.0, False), (18, 0.0, True))
_FINER = 2  # nodes more in the residual's panels
_OUTSIDE = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class TrainedStudent:
    """A student beside the probe that pruned its pool.

    Attributes:
        probe_angle: θ between probe and teacher, radians.
        angle: Between student and teacher, radians.
        probe_overlap: ρ, cosine of the angle to the probe.
        direction: Unit vector (3,): along the probe, across it towards the teacher, outside their plane.
        norm: ‖w‖, in [0, ∞].
        scale: V.
        training_loss: Mean (weighted) loss of the kept examples.
        training_error: Share of the kept examples on the wrong side.
        scaling_exponent: d ln ε/d ln α; not a number if it was not asked for.
        residual: Largest, by the independent evaluation.
    """

    probe_angle: float
    angle: float
    probe_overlap: float
    direction: np.ndarray
    norm: float
    scale: float
    training_loss: float
    training_error: float
    scaling_exponent: float
    residual: float

    @property
    def generalization_error(self) -> float:
        """ε."""
        return self.angle / math.pi

    @property
    def overlap(self) -> float:
        """R."""
        return math.cos(self.angle)


@dataclass(frozen=True, kw_only=True)
class StudentCurve:
    """Students of one loss on pools that are pruned in one way.

    Attributes:
        pruning: The probe and the rule.
        loss: ℓ_w.
        ridge: λ_w, in [0, ∞].
        with_slopes: Whether d ln ε/d ln α is asked for.
        found: Students found so far.
    """

    pruning: Pruning
    loss: Loss
    ridge: float
    with_slopes: bool = False
    found: Curve = field(default_factory=Curve)

    @classmethod
    def of_max_margin(cls, pruning: Pruning) -> "StudentCurve":
        """Max-margin students, with slopes."""
        return cls(pruning=pruning, loss=HardMargin(), ridge=1.0, with_slopes=True)

    @one_blas_thread()
    def at(self, alphas: np.ndarray) -> list[TrainedStudent]:
        """The students at these α_prune, in their order.

        Raises:
            ValueError: There is no such probe or student.
            SaddlePointError: The equations do not confirm one.
        """
        order, fraction, students = np.argsort(alphas), self.pruning.rough_fraction(), []
        for alpha in alphas[order].tolist():
            pool = self.pruning.of_kept(alpha, fraction)
            students.append(self._student(alpha, pool))
            fraction = pool.keep_fraction
        return [students[place] for place in np.argsort(order)]

    def _student(self, alpha_prune: float, pool: PrunedPool) -> TrainedStudent:
        if isinstance(self.loss, Square) and self.ridge == 0 and alpha_prune == 1:
            return _diverging(pool)
        training = at_ridge_limit(pool.training(self.loss, self.ridge))
        if pool.makes_the_probe(training.loss, training.ridge):
            student, fit = pool.probe.as_student(training.ridge), fit_of_the_probe(training, self.loss, pool.probe)
        else:
            student, fit = self._confirmed(training, pool)
        slope = log_error_slope(training, student, pool, self.pruning) if self.with_slopes else math.nan
        return _described(training, student, pool, fit, slope)

    def _confirmed(self, training: Training, pool: PrunedPool) -> tuple[OrderParameters, Fit]:
        """The student, on panels as fine as the independent residual asks for, and its fit."""
        size = math.log(training.alpha)
        student, residual = self.found.ahead(size), math.inf
        for order, trusted, go_on in _ATTEMPTS:
            start, near = student if go_on else None, pool.near_the_probe(training)
            student = minimiser(training, start, resort=near, order=order, trusted=trusted)
            field = training.field(student, order + _FINER, with_errors=True)
            residual = triangular_residual(training, student, pool.probe, field)
            if residual <= RESIDUAL_TOLERANCE:
                self.found.add(size, student)
                return replace(student, residual=residual), self._fit(training, field)
        raise SaddlePointError(
            f"a second evaluation does not confirm the student at alpha_total = {training.alpha}", residual=residual
        )

    def _fit(self, training: Training, field: StudentField) -> Fit:
        """Of Hebb's student, whose norm vanishes, the loss is that of margin 0."""
        if isinstance(training.loss, Linear):
            at_zero = replace(field, trained=np.zeros_like(field.omega))
            return Fit(fit_of(self.loss, at_zero).loss, fit_of(training.loss, field).error)
        return fit_of(training.loss, field)


def _described(
    training: Training, student: OrderParameters, pool: PrunedPool, fit: Fit, slope: float
) -> TrainedStudent:
    probe, (A, r) = pool.probe, student.along.tolist()
    components = np.array([A * probe.cosine + r, A * probe.sine, student.outside])
    norm, vanishes = float(np.linalg.norm(components)), isinstance(training.loss, Linear)
    constrained = isinstance(training.loss, (HardMargin, Interpolation))
    return TrainedStudent(
        probe_angle=probe.angle,
        angle=probe.angle_of(student),
        probe_overlap=float(components[0]) / norm,
        direction=components / norm,
        norm=0.0 if vanishes else norm,
        scale=0.0 if vanishes else math.inf if constrained else student.scale,
        training_loss=fit.loss,
        training_error=fit.error,
        scaling_exponent=slope,
        residual=student.residual,
    )


def _diverging(pool: PrunedPool) -> TrainedStudent:
    """The least-squares student without ridge at α = 1, whose norm diverges in random directions."""
    return TrainedStudent(
        probe_angle=pool.probe.angle,
        angle=math.pi / 2,
        probe_overlap=0.0,
        direction=_OUTSIDE,
        norm=math.inf,
        scale=math.inf,
        training_loss=0.0,
        training_error=0.0,
        scaling_exponent=0.0,
        residual=0.0,
    )
