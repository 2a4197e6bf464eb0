"""Students that minimise a convex risk on pruned, noisy data, in the limit of many dimensions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._empirical_risk.minimiser import minimisers
from replica_theory._trained_probe.pruning import Pruning
from replica_theory._trained_probe.student import StudentCurve
from replica_theory.errors import ArrayFields, FloatOrArray, Values, check_alpha, check_probe_angle, shaped_like
from replica_theory.geometry import angle_to, in_plane, target_direction
from replica_theory.losses.base import LossLike, Weight
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import Selection, TrainedProbe, check_probe, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise, label_of


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EmpiricalRiskSolution(ArrayFields, Generic[Values]):
    """Minimisers of a regularised risk, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        loss: The loss, as it was given.
        ridge: λ.
        selection: The rule by which the examples were kept.
        probe_angle: θ, radians, a float; of a trained probe the one that training reaches, shaped like ``alpha_prune``.
        probe: The probe, if it was trained on the pool.
        label_noise: η, chance that a label of the pool was flipped.
        sample_weight: Weight of the loss by signed margin, if any.
        generalization_error: ε = angle(student, teacher)/π, test error on clean, unpruned data.
        overlap: R = cos of the angle to the teacher.
        probe_overlap: ρ = cos of the angle to the probe.
        norm: ‖w‖, in [0, ∞].
        training_loss: Mean (weighted) loss of the kept examples, without the ridge.
        training_error: Share of the kept examples whose (noisy) label the student misses.
        direction: (a₁, a₂, b)/‖w‖, (..., 3): along the probe, across it towards the teacher, outside their
            plane.
        scale: V of the proximal operator, an example's change of field per unit force on it, in [0, ∞].
        residual: Largest relative residual of equations (i)–(iv), or with a trained probe of the triangular equations
            (T4)–(T8), evaluated independently of the solver.

    Example:
        >>> from replica_theory import KeepHardest, empirical_risk
        >>> student = empirical_risk(2.0, loss="hinge", ridge=0.1, selection=KeepHardest(0.5), label_noise=0.1)
        >>> f"{student.generalization_error:.5f}, {student.noisy_test_error:.5f}, {student.training_error:.5f}"
        '0.22622, 0.28098, 0.08070'
    """

    alpha_prune: Values
    loss: LossLike
    ridge: float
    selection: Selection
    probe_angle: FloatOrArray
    probe: TrainedProbe | None
    label_noise: Noise
    sample_weight: Weight | None
    generalization_error: Values
    overlap: Values
    probe_overlap: Values
    norm: Values
    training_loss: Values
    training_error: Values
    direction: np.ndarray
    scale: Values
    residual: Values

    @property
    def noisy_test_error(self) -> Values:
        """Test error on unpruned data with noisy labels: η + (1 − 2η) ε, of noise at one rate."""
        return label_of(self.label_noise).error(math.pi * np.asarray(self.generalization_error))[()]  # pyright: ignore[reportReturnType]

    def error_against(self, *, teacher_overlap: float, probe_overlap: float) -> Values:
        """Test error against a third direction w_*, given its cosines with teacher and probe.

        The teacher only labelled the examples and the probe only selected them; R_* = a·c_*/‖w‖, with c_*
        the projection of w_* on their plane.

        Raises:
            ValueError: No unit vector has these cosines with both.

        Example:
            >>> from replica_theory import KeepHardest, empirical_risk
            >>> student = empirical_risk(2.0, loss="square", ridge=0.1, selection=KeepHardest(0.5), probe_angle=0.2)
            >>> f"{student.error_against(teacher_overlap=0.9, probe_overlap=0.9):.5f}"
            '0.18921'
        """
        angles = np.atleast_1d(self.probe_angle).tolist()
        targets = [target_direction(t, teacher_overlap=teacher_overlap, probe_overlap=probe_overlap) for t in angles]
        target = np.stack(targets, axis=-1) if np.ndim(self.probe_angle) else targets[0]
        return angle_to(self.direction, target)[()] / math.pi  # pyright: ignore[reportReturnType]


@overload
def empirical_risk(
    alpha_prune: float,
    *,
    loss: LossLike,
    ridge: float,
    selection: Selection,
    probe_angle: float = 0.0,
    probe: TrainedProbe | None = None,
    label_noise: Noise = 0.0,
    sample_weight: Weight | None = None,
) -> EmpiricalRiskSolution[float]: ...
@overload
def empirical_risk(
    alpha_prune: np.ndarray | Sequence[float],
    *,
    loss: LossLike,
    ridge: float,
    selection: Selection,
    probe_angle: float = 0.0,
    probe: TrainedProbe | None = None,
    label_noise: Noise = 0.0,
    sample_weight: Weight | None = None,
) -> EmpiricalRiskSolution[np.ndarray]: ...
def empirical_risk(
    alpha_prune: ArrayLike,
    *,
    loss: LossLike,
    ridge: float,
    selection: Selection,
    probe_angle: float = 0.0,
    probe: TrainedProbe | None = None,
    label_noise: Noise = 0.0,
    sample_weight: Weight | None = None,
) -> EmpiricalRiskSolution[FloatOrArray]:
    """Student of a convex loss with ridge, trained on pruned data, in the limit N → ∞ at fixed P/N.

    Minimises (1/N) Σ_kept ℓ(y w·x) + (λ/2)‖w‖² (see `EmpiricalRisk`). In the student's components a = (a₁, a₂) along
    the probe and across it, b outside their plane, and the scale V, with s the example's fields on the same axes,
    h ~ N(0, 1), ω = y a·s + b h and p = prox_{Vℓ}(ω), it solves::

        (i)        b² = α E(ω − p)²
        (ii, iii)  λ V a = −α E[(ω − p) y s]
        (iv)       α (1 − E ∂p/∂ω) = 1 − λV

    The square loss is in closed form. At ridge 0 it is the limit λ → 0: the least w that attains the least
    risk. On separable labels that is the max-margin student for hinge losses; the logistic loss has none.
    At an infinite ridge it is the direction of Hebb's student, the mean of what is kept.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        loss: "square", "logistic", "hinge", "squared_hinge", or an object with ``value(u)`` and
            ``proximal(omega, V)``.
        ridge: λ in [0, ∞].
        selection: Which examples are kept, as a function of probe field and (noisy) label.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        probe: A probe that is trained on the pool, of which α_prune are kept; instead of ``probe_angle``.
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`.
        sample_weight: Weight of an example's loss as a function of its signed margin y z, vectorised, > 0; z is the
            field of the unit-norm probe.

    Returns:
        The students, each checked by a second evaluation of the equations.

    Raises:
        ValueError: A parameter is out of range, or no minimiser exists (logistic on separable labels, ridge 0).
        SaddlePointError: No solution to a residual of 1e-9; carries the residual.

    References:
        Sorscher et al. 2022, arXiv:2206.14486 (pruning); Aubin et al. 2020, arXiv:2006.06560, and Loureiro
        et al. 2021, arXiv:2102.08127 (convex losses); Dohmatob et al. 2025, arXiv:2511.03492.

    Example:
        >>> from replica_theory import KeepRandom, empirical_risk
        >>> student = empirical_risk(2.0, loss="logistic", ridge=0.1, selection=KeepRandom())
        >>> f"{student.generalization_error:.8f}"
        '0.17966239'
    """
    alphas = check_alpha(alpha_prune)
    EmpiricalRisk(loss, ridge, sample_weight)  # checks its arguments
    angle, noise = check_probe_angle(probe_angle), check_label_noise(label_noise)
    function, points = as_loss(check_loss(loss)), np.atleast_1d(alphas)
    check_selection(selection)
    if (probe := check_probe(probe, probe_angle)) is None:
        kept = selection.kept_distribution(angle, noise)
        students = minimisers(kept, function, alphas=points, ridge=float(ridge), weight=sample_weight)
        angles = np.full(points.size, angle)
    else:
        pruning = Pruning.by(probe, selection, label_noise=noise, weight=sample_weight)
        students = StudentCurve(pruning=pruning, loss=function, ridge=float(ridge)).at(points)
        angles = np.array([student.probe_angle for student in students])
    directions = np.array([student.direction for student in students])
    to_teacher, to_probe = (angle_to(directions, in_plane(target)) for target in (angles, 0.0 * angles))

    def shaped(name: str) -> FloatOrArray:
        return shaped_like(alphas, np.array([getattr(student, name) for student in students]))

    return EmpiricalRiskSolution(
        alpha_prune=shaped_like(alphas, points),
        loss=loss,
        ridge=float(ridge),
        selection=selection,
        probe_angle=angle if probe is None else shaped_like(alphas, angles),
        probe=probe,
        label_noise=noise,
        sample_weight=sample_weight,
        generalization_error=shaped_like(alphas, to_teacher / math.pi),
        overlap=shaped_like(alphas, np.cos(to_teacher)),
        probe_overlap=shaped_like(alphas, np.cos(to_probe)),
        norm=shaped("norm"),
        training_loss=shaped("training_loss"),
        training_error=shaped("training_error"),
        direction=directions if alphas.ndim else directions[0],
        scale=shaped("scale"),
        residual=shaped("residual"),
    )
