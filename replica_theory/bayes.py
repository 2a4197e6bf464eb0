"""The floor under every student: the best that can be learned from pruned data."""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._bayes.known_probe import probe_known
from replica_theory._bayes.known_rule import perfect_probe, rule_known
from replica_theory.errors import SaddlePointError, check_alpha, check_probe_angle
from replica_theory.selection import Calibrated, KeepWithProbability, Selection, Verified, check_selection
from replica_theory.selection.kept_distribution import KeptDistribution

RESIDUAL_TOLERANCE = 1e-8

Knowledge = Literal["probe", "rule"]


@dataclass(frozen=True, kw_only=True)
class BayesSolution:
    """Bayes-optimal students, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        selection: The rule by which they were kept.
        probe_angle: θ, radians.
        knows: What the student knows beside examples and labels.
        generalization_error: ε, least test error on unpruned data.
        overlap: R = cos of the angle between the posterior's mean and the teacher; R² is the overlap q of
            two students drawn from the posterior.
        residual: Largest relative residual of the fixed point, evaluated independently of the solver.
    """

    alpha_prune: Any
    selection: Selection
    probe_angle: float
    knows: Knowledge
    generalization_error: Any
    overlap: Any
    residual: Any


def bayes_optimal(
    alpha_prune: ArrayLike, *, selection: Selection, probe_angle: float = 0.0, knows: Knowledge
) -> BayesSolution:
    """Least test error that any student can reach on pruned data, in the limit N → ∞ at fixed P/N.

    A student that knows the probe lacks only the teacher's part across it, and a perfect probe leaves it nothing
    to learn. One that knows the rule, with its angle, but not the probe, learns from the fact that an example was
    kept. On random data both are the student that knows nothing.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        selection: Which examples are kept, as a function of probe field and label.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        knows: "probe" or "rule".

    Returns:
        The students, each checked by a second quadrature.

    Raises:
        ValueError: A parameter is out of range, or ``knows="rule"`` and the rule treats the labels differently.
        SaddlePointError: No fixed point to a residual of 1e-8; carries the residual.

    References:
        Opper & Haussler 1991; Györgyi & Tishby 1990; Barbier et al. 2019, arXiv:1708.03395 (random data).
    """
    alphas, angle = check_alpha(alpha_prune), check_probe_angle(probe_angle)
    if knows not in get_args(Knowledge):
        raise ValueError(f'`knows` must be "probe" or "rule"; got {knows!r}')
    law = check_selection(selection).kept_distribution(angle)
    if knows == "rule":
        _reject_one_sided(selection)
    find = _with_probe if knows == "probe" else _with_rule
    found = np.array([find(law, float(alpha)) for alpha in np.atleast_1d(alphas)])
    _reject_large(found[:, 1], np.atleast_1d(alphas))
    angles, residual = (found.T if alphas.ndim else found[0]) + 0.0
    return BayesSolution(
        alpha_prune=alphas[()],
        selection=selection,
        probe_angle=angle,
        knows=knows,
        generalization_error=angles / math.pi,
        overlap=np.cos(angles),
        residual=residual,
    )


def _with_probe(law: KeptDistribution, alpha: float) -> tuple[float, float]:
    """Angle to the teacher, and the residual: tan = sin θ √(1−q) / √(cos² θ + q sin² θ)."""
    if law.probe_angle == 0:
        return 0.0, 0.0
    kappa, residual = probe_known(law, alpha)
    sine, cosine = math.sin(law.probe_angle), math.cos(law.probe_angle)
    return math.atan2(sine, math.hypot(cosine * math.sqrt(1 + kappa), sine * math.sqrt(kappa))), residual


def _with_rule(law: KeptDistribution, alpha: float) -> tuple[float, float]:
    if law.probe_angle == 0:
        ratio, residual = perfect_probe(law, alpha)
        return math.atan(1 / math.sqrt(ratio)), residual
    covariance, residual = rule_known(law, alpha)
    left = float(covariance[1, 1])
    return math.atan2(math.sqrt(left), math.sqrt(1 - left)), residual


def _reject_one_sided(selection: Selection) -> None:
    """A rule whose q(z, +1) is not q(−z, −1) tells its knower more than the law in the signed margin holds."""
    if isinstance(selection, Calibrated | Verified):
        _reject_one_sided(selection.selection)
    if isinstance(selection, KeepWithProbability):
        z = np.linspace(-8.0, 8.0, 321)
        if (
            np.max(np.abs(selection.probability(z, np.ones_like(z)) - selection.probability(-z, -np.ones_like(z))))
            > 1e-12
        ):
            raise ValueError(
                f'`selection` must treat both labels alike, q(z, 1) = q(−z, −1), where knows="rule"; got {selection!r}'
            )


def _reject_large(residual: np.ndarray, alphas: np.ndarray) -> None:
    refused = np.flatnonzero(~(residual <= RESIDUAL_TOLERANCE))
    if refused.size:
        worst = refused[np.argmax(residual[refused])]
        raise SaddlePointError(
            f"a second quadrature does not confirm the student at alpha_prune = {alphas[worst]}",
            residual=float(residual[worst]),
        )
