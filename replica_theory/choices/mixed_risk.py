"""Students trained on several sources at once, each with labels, selection, size and weight of its own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._empirical_risk.minimiser import PlaneSource, mixed_minimiser
from replica_theory.errors import ArrayFields, check_alpha, check_number
from replica_theory.losses.base import LossLike, Weight
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import KeepRandom, Selection, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise

_EVERYTHING = KeepRandom()
_PARALLEL = 1e-9  # radians between probe and teacher below which they count as one
_OBTUSE = 1e-9  # radians beyond π/2 that rounding excuses


@dataclass(frozen=True)
class Source:
    """A part of a training set: which direction labels it, which one ranks it, what is kept, how many, of what weight.

    Directions are given by their components on common orthonormal axes, of which the first is the truth, on which
    students are tested; of shorter ones the rest is 0. A generator at 30° to the truth and an oracle at 15°, of
    independent errors, are ``(cos 30°, sin 30°)`` and ``(cos 15°, 0, sin 15°)``.

    Args:
        alpha_prune: α_k, its kept examples per dimension, > 0.
        selection: Which of its examples are kept, as a function of its probe's field and its (noisy) label.
        teacher: Direction that labels it, of any length > 0; the truth where it is left out.
        probe: Direction that ranks it, at up to 90° to its teacher; the teacher where it is left out.
        label_noise: Chance that a label is flipped, in [0, 1/2], or a `LabelNoise`.
        weight: c_k ≥ 0, by which its losses count; 0 leaves it out.
        sample_weight: Weight of an example's loss beside that, as a function of its signed margin, as in
            `empirical_risk`.

    Raises:
        ValueError: A parameter is out of range.

    Example:
        >>> from replica_theory import KeepHardest, Source
        >>> Source(2.0, KeepHardest(0.5), teacher=(1.0, 0.3)).weight
        1.0
    """

    alpha_prune: float
    selection: Selection = _EVERYTHING
    teacher: Sequence[float] = (1.0,)
    probe: Sequence[float] | None = None
    label_noise: Noise = 0.0
    weight: float = 1.0
    sample_weight: Weight | None = None

    def __post_init__(self):
        if np.ndim(check_alpha(self.alpha_prune)):
            raise ValueError(f"`alpha_prune` of a source must be one number > 0; got {self.alpha_prune!r}")
        check_selection(self.selection)
        check_label_noise(self.label_noise)
        if not 0 <= check_number(self.weight, "weight") < math.inf:
            raise ValueError(f"`weight` must be finite and >= 0; got {self.weight}")
        _unit(self.teacher, "teacher")
        if self.probe is not None:
            _unit(self.probe, "probe")

    def in_plane(self, dimensions: int) -> PlaneSource:
        """Its averages, and its probe's plane on this many axes, (2, dimensions)."""
        teacher = _padded(_unit(self.teacher, "teacher"), dimensions)
        probe = teacher if self.probe is None else _padded(_unit(self.probe, "probe"), dimensions)
        across = teacher - (teacher @ probe) * probe
        angle = math.atan2(np.linalg.norm(across), teacher @ probe)
        if angle > math.pi / 2 + _OBTUSE:
            raise ValueError(
                f"`probe` must be at up to 90 degrees to `teacher`; got {math.degrees(angle):.6g} (turn it around, and "
                "the rule with it)"
            )
        if angle < _PARALLEL:  # any axis across will do
            angle, across = 0.0, np.eye(dimensions)[np.argmin(np.abs(probe))]
            across = across - (across @ probe) * probe
        kept = self.selection.kept_distribution(min(angle, math.pi / 2), check_label_noise(self.label_noise))
        plane = np.stack([probe, across / np.linalg.norm(across)])
        return PlaneSource(kept, plane, float(self.alpha_prune), float(self.weight), self.sample_weight)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MixedRiskSolution(ArrayFields):
    """A student of several sources.

    Attributes:
        sources: As they were given.
        loss: The loss, as it was given.
        ridge: λ.
        generalization_error: ε = angle(student, truth)/π, test error on clean, unpruned data.
        overlap: R, cosine of that angle.
        norm: ‖w‖.
        training_loss: Mean weighted loss of all kept examples, without the ridge.
        training_error: Share of all kept examples whose label the student misses.
        direction: w/‖w‖ on the common axes, the truth first, and last the part outside all of them.
        scale: V of the proximal operator.
        residual: Largest relative residual of the equations, evaluated independently of the solver.

    Example:
        >>> from replica_theory import KeepHardest, Source, mixed_risk
        >>> real, synthetic = Source(1.0), Source(4.0, KeepHardest(0.5), teacher=(1.0, 0.3))
        >>> both = mixed_risk([real, synthetic], loss="square", ridge=0.1)
        >>> f"{both.generalization_error:.5f}, {both.norm:.5f}"
        '0.11599, 1.26150'
    """

    sources: tuple[Source, ...]
    loss: LossLike
    ridge: float
    generalization_error: float
    overlap: float
    norm: float
    training_loss: float
    training_error: float
    direction: np.ndarray
    scale: float
    residual: float

    def error_against(self, target: ArrayLike) -> float:
        """Test error against another direction, given on the common axes."""
        return _angle(self.direction, _unit(target, "target")) / math.pi


def mixed_risk(sources: Sequence[Source], *, loss: LossLike, ridge: float) -> MixedRiskSolution:
    """Student of one risk over several sources, in the limit N → ∞ at fixed sizes α_k.

    It minimises (1/N) Σ_k c_k Σ_{kept of k} ℓ(y w·x) + (λ/2)‖w‖² over isotropic inputs. Its components a on the axes
    of all teachers and probes, b outside and the scale V solve, with E_k over what source k keeps, h ~ N(0, 1),
    ω = y a·s + b h and F_k = ω − prox_{V c_k ℓ}(ω)::

        b² = Σ α_k E_k F_k²,      λ V a = −Σ α_k E_k[F_k y s],      Σ α_k E_k ∂F_k/∂ω = 1 − λV

    Args:
        sources: What the training set is made of.
        loss: As in `empirical_risk`.
        ridge: λ, finite and > 0. Hinge losses approach the max-margin student as it vanishes.

    Returns:
        The student, checked by a second evaluation of the equations.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: No solution to a residual of 1e-9; carries the residual.

    References:
        El Firdoussi et al. 2024, arXiv:2410.08942 (real and synthetic data); docs/theory/two_sources.

    Example:
        >>> from replica_theory import KeepHardest, Source, mixed_risk
        >>> real, synthetic = Source(1.0), Source(4.0, KeepHardest(0.5), teacher=(1.0, 0.3))
        >>> f"{mixed_risk([real, synthetic], loss='logistic', ridge=0.1).generalization_error:.8f}"
        '0.11820631'
    """
    given = _checked(sources)
    strength = check_number(ridge, "ridge")
    if not 0 < strength < math.inf:
        raise ValueError(f"`ridge` must be finite and > 0 with several sources; got {ridge}")
    EmpiricalRisk(loss, strength)  # checks its arguments
    counted = [source for source in given if source.weight > 0]
    dimensions = max(2, *(len(direction) for source in counted for direction in (source.teacher, source.probe or ())))
    student = mixed_minimiser(
        [source.in_plane(dimensions) for source in counted], as_loss(check_loss(loss)), ridge=strength
    )
    angle = _angle(student.direction, np.ones(1))
    return MixedRiskSolution(
        sources=given,
        loss=loss,
        ridge=strength,
        generalization_error=angle / math.pi,
        overlap=math.cos(angle),
        norm=student.norm,
        training_loss=student.training_loss,
        training_error=student.training_error,
        direction=student.direction,
        scale=float(student.scale),
        residual=student.residual,
    )


def _checked(sources: Sequence[Source]) -> tuple[Source, ...]:
    given = tuple(sources)
    for source in given:
        if not isinstance(source, Source):
            raise ValueError(f"`sources` must be Source(...); got {source!r}")
        EmpiricalRisk("square", 1.0, source.sample_weight)  # checks the weight
    if not any(source.weight > 0 for source in given):
        raise ValueError(f"`sources` must have one of weight > 0; got {len(given)} without")
    return given


def _unit(direction: ArrayLike, name: str) -> np.ndarray:
    values = np.asarray(direction, dtype=float)
    if values.ndim != 1 or not np.all(np.isfinite(values)) or not values.any():
        raise ValueError(f"`{name}` must be finite components of a direction, not all 0; got {direction!r}")
    return values / np.linalg.norm(values)


def _padded(direction: np.ndarray, dimensions: int) -> np.ndarray:
    return np.pad(direction, (0, dimensions - direction.size))


def _angle(student: np.ndarray, target: np.ndarray) -> float:
    """Angle of a unit vector, (k + 1,), to a unit vector on its first axes; what lies on others is outside of all."""
    known = student.size - 1
    inside = np.zeros(known)
    inside[: target.size] = target[:known]
    along = student[:known] @ inside
    # |t ∧ s|² of s = (a, b) and t = (c, o) with o ⟂ b: |a|²|c|² − (a·c)² + b² + |a|² o², free of cancellation
    a, wedge = student[:known], np.outer(student[:known], inside)
    plane = np.linalg.norm(wedge - wedge.T) / math.sqrt(2)
    outside = np.linalg.norm(target[known:]) * np.linalg.norm(a)
    return math.atan2(math.hypot(plane, student[-1], outside), along)
