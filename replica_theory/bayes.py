"""The floor under every student: the best that can be learned from pruned data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, get_args, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._bayes.known_probe import solve_known_probe
from replica_theory._bayes.known_rule import solve_known_rule, solve_perfect_probe
from replica_theory.errors import (
    ArrayFields,
    FloatOrArray,
    SaddlePointError,
    Values,
    check_alpha,
    check_probe_angle,
    shaped_like,
)
from replica_theory.selection import Calibrated, KeepWithProbability, Selection, Verified, check_selection
from replica_theory.selection.kept_distribution import KeptDistribution
from replica_theory.selection.label_noise import Noise, check_label_noise

RESIDUAL_TOLERANCE = 1e-8
_LARGEST_ALPHA = 1e9
_LABEL_SYMMETRY = 1e-12  # largest |q(z, 1) − q(−z, −1)| of a rule that treats both labels alike
_SAMPLED_FIELDS = np.linspace(-8.0, 8.0, 321)  # z at which that is asked

Knowledge = Literal["probe", "rule"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class BayesSolution(ArrayFields, Generic[Values]):
    """Bayes-optimal students, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        selection: The rule by which they were kept.
        probe_angle: θ, radians.
        label_noise: η, or a `LabelNoise`; the student knows it.
        knows: What the student knows beside examples and labels.
        generalization_error: ε, least test error on unpruned data.
        overlap: R = cos of the angle between the posterior's mean and the teacher; R² is the overlap q of
            two students drawn from the posterior.
        residual: Largest relative residual of the fixed point, evaluated independently of the solver.

    Example:
        >>> from replica_theory import KeepHardest, bayes_optimal
        >>> floor = bayes_optimal(2.0, selection=KeepHardest(0.5), probe_angle=0.3, knows="probe")
        >>> f"{floor.generalization_error:.5f}, {floor.overlap:.5f}"
        '0.06340, 0.98023'
    """

    alpha_prune: Values
    selection: Selection
    probe_angle: float
    label_noise: Noise
    knows: Knowledge
    generalization_error: Values
    overlap: Values
    residual: Values


@overload
def bayes_optimal(
    alpha_prune: float, *, selection: Selection, probe_angle: float = 0.0, label_noise: Noise = 0.0, knows: Knowledge
) -> BayesSolution[float]: ...
@overload
def bayes_optimal(
    alpha_prune: np.ndarray | Sequence[float],
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    label_noise: Noise = 0.0,
    knows: Knowledge,
) -> BayesSolution[np.ndarray]: ...
def bayes_optimal(
    alpha_prune: ArrayLike,
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    label_noise: Noise = 0.0,
    knows: Knowledge,
) -> BayesSolution[FloatOrArray]:
    """Least test error that any student can reach on pruned data, in the limit N → ∞ at fixed P/N.

    A student that knows the probe lacks only the teacher's part across it, and a perfect probe leaves it nothing
    to learn. One that knows the rule, with its angle, but not the probe, learns from the fact that an example was
    kept. On random data both are the student that knows nothing.

    Args:
        alpha_prune: α, kept examples per dimension, in (0, 1e9]; scalar or 1-D.
        selection: Which examples are kept, as a function of probe field and label.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`, which the student
            knows too.
        knows: "probe" or "rule".

    Returns:
        The students, each checked by a second quadrature.

    Raises:
        ValueError: A parameter is out of range, or ``knows="rule"`` and the rule treats the labels differently.
        SaddlePointError: No fixed point to a residual of 1e-8; carries the residual.

    References:
        Opper & Haussler 1991; Györgyi & Tishby 1990; Barbier et al. 2019, arXiv:1708.03395 (random data).

    Example:
        >>> from replica_theory import KeepHardest, bayes_optimal
        >>> f"{bayes_optimal(2.0, selection=KeepHardest(0.4), knows='rule').generalization_error:.7f}"
        '0.0484945'
    """
    alphas, angle = check_alpha(alpha_prune), check_probe_angle(probe_angle)
    if alphas.max() > _LARGEST_ALPHA:
        raise ValueError(
            f"`alpha_prune` must be at most {_LARGEST_ALPHA:g}, where the error falls below the rounding of overlaps; "
            f"got {alphas.max():g}"
        )
    if knows not in get_args(Knowledge):
        raise ValueError(f'`knows` must be "probe" or "rule"; got {knows!r}')
    noise = check_label_noise(label_noise)
    kept = check_selection(selection).kept_distribution(angle, noise)
    if knows == "rule":
        _refuse_one_sided(selection)
    solve = _knower_of_probe if knows == "probe" else _knower_of_rule
    points = np.atleast_1d(alphas)
    angles, residual = np.array([solve(kept, alpha) for alpha in points.tolist()]).T
    _refuse_unconfirmed(residual, points)
    return BayesSolution(
        alpha_prune=shaped_like(alphas, points),
        selection=selection,
        probe_angle=angle,
        label_noise=noise,
        knows=knows,
        generalization_error=shaped_like(alphas, angles / math.pi),
        overlap=shaped_like(alphas, np.cos(angles)),
        residual=shaped_like(alphas, residual),
    )


def _knower_of_probe(kept: KeptDistribution, alpha: float) -> tuple[float, float]:
    """Angle to the teacher, arctan of sin θ √(1−q) over √(cos² θ + q sin² θ), and the residual."""
    if kept.probe_angle == 0:
        return 0.0, 0.0
    kappa, residual = solve_known_probe(kept, alpha)  # q/(1−q)
    sine, cosine = math.sin(kept.probe_angle), math.cos(kept.probe_angle)
    return math.atan2(sine, math.hypot(cosine * math.sqrt(1 + kappa), sine * math.sqrt(kappa))), residual


def _knower_of_rule(kept: KeptDistribution, alpha: float) -> tuple[float, float]:
    """Angle to the teacher, arctan √((1−q)/q) with q its overlap in the posterior, and the residual."""
    if kept.probe_angle == 0:
        ratio, residual = solve_perfect_probe(kept, alpha)
        return math.atan(1 / math.sqrt(ratio)), residual
    covariance, residual = solve_known_rule(kept, alpha)
    unknown = float(covariance[1, 1])  # 1 − q
    return math.atan2(math.sqrt(unknown), math.sqrt(1 - unknown)), residual


def _refuse_one_sided(selection: Selection) -> None:
    """A rule whose q(z, +1) is not q(−z, −1) tells its knower more than `KeptDistribution` holds."""
    if isinstance(selection, Calibrated | Verified):
        _refuse_one_sided(selection.selection)
    if isinstance(selection, KeepWithProbability):
        z, positive = _SAMPLED_FIELDS, np.ones_like(_SAMPLED_FIELDS)
        difference = selection.probability(z, positive) - selection.probability(-z, -positive)
        if np.max(np.abs(difference)) > _LABEL_SYMMETRY:
            raise ValueError(
                f'`selection` must treat both labels alike, q(z, 1) = q(−z, −1), where knows="rule"; got {selection!r}'
            )


def _refuse_unconfirmed(residual: np.ndarray, alphas: np.ndarray) -> None:
    """Raises for the largest residual that is above the tolerance."""
    refused = np.flatnonzero(~(residual <= RESIDUAL_TOLERANCE))
    if refused.size:
        worst = refused[np.argmax(residual[refused])]
        raise SaddlePointError(
            f"a second quadrature does not confirm the student at alpha_prune = {alphas[worst]}",
            residual=float(residual[worst]),
        )
