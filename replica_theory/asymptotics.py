"""Limits of the max-margin theory, each with the range in which it holds.

The error ε for many examples at a fixed fraction, and for fractions that vanish at a fixed number of examples. All
follow from the convex problem of `max_margin`; the constants are exact to the digits given.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from replica_theory._numerics.gaussian import normal_density, squared_ramp
from replica_theory._numerics.one_variable import minimiser, root
from replica_theory._numerics.shapes import FloatOrArray
from replica_theory.errors import check_alpha, check_keep_fraction, check_probe_angle
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest, KeepRandom

ERROR_CONSTANT = 0.5004889317774185
"""lim α ε of random data as α → ∞."""

MARGIN_CONSTANT = 0.6388332158039356
"""k*, the margin of the unscaled student as α → ∞: the root of E(k − g)₊ = E(k − g)₊³/3."""

GARDNER_CAPACITY = 2.0
"""α at which random labels stop being separable, and the transition of a perfect probe as f → 0."""

_LEAST_LOG_X, _LOG_X_ABOVE = -3.0, 4.0  # range of ln x that is searched: up to ln α + 4
_ROUGH_LOG_X = 1e-3  # half width of the bracket around the first estimate of ln x
_MARGIN_RANGE = 10.0  # how far below 0 and above x the margin k is looked for


def many_examples(alpha_prune: ArrayLike, *, keep_fraction: float, probe_angle: float = 0.0) -> FloatOrArray:
    """ε of keep-hardest at fixed f as α → ∞: a power law with the fraction in its prefactor.

    ::

        ε = 0.5004889 f / [(2Φ(g / sin θ) − 1) α],   g = Φ⁻¹((1 + f)/2),   and 0.5004889 f/α at θ = 0

    Range: α ≫ 1/sin θ and α ≫ 1; the relative deviation falls like 1/α² (f = .4: 2e-4 at θ = 20°, α = 100).

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        keep_fraction: f in (0, 1].
        probe_angle: θ, radians, in [0, π/2].

    Raises:
        ValueError: A parameter is out of range.

    References:
        Sorscher et al. 2022, arXiv:2206.14486; the prefactor by the strip |z| < g of the boundary.
    """
    alphas, angle = check_alpha(alpha_prune), check_probe_angle(probe_angle)
    _, threshold = KeepHardest(check_keep_fraction(keep_fraction)).thresholds()
    kept_boundary = 2 * float(ndtr(threshold / math.sin(angle))) - 1 if angle else 1.0  # share with |z| < g
    return ERROR_CONSTANT * keep_fraction / kept_boundary / alphas[()]


def frontier_fallback(alpha_prune: ArrayLike, *, probe_angle: float) -> FloatOrArray:
    """ε of the Pareto frontier as α → ∞, θ > 0 and an unbounded pool: 0.5004889 sin θ / α.

    The frontier of an imperfect probe falls back to the power law of random data, with sin θ in the
    prefactor: `many_examples` in the limit f → 0.

    Range: α ≫ 1/sin θ, with the pool unbounded (α/f → ∞).

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        probe_angle: θ, radians, in (0, π/2].

    Raises:
        ValueError: A parameter is out of range.
    """
    return ERROR_CONSTANT * math.sin(_imperfect(probe_angle)) / check_alpha(alpha_prune)[()]


def vanishing_fraction(alpha_prune: ArrayLike, *, probe_angle: float) -> FloatOrArray:
    """ε of keep-hardest as f → 0 at fixed α and θ > 0: arccos(sin θ · R_random(α))/π.

    Examples on the probe's boundary say nothing about the direction of the probe: the student
    learns the rest of the teacher as it would from random data.

    Range: f ≪ sin θ and α f/sin θ ≪ 1.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        probe_angle: θ, radians, in (0, π/2].

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The theory of random data has no verified solution.
    """
    overlap = max_margin(check_alpha(alpha_prune), selection=KeepRandom()).overlap
    return np.arccos(math.sin(_imperfect(probe_angle)) * overlap) / math.pi


def perfect_probe_slope(alpha_prune: float) -> float:
    """c(α) = lim ε/f of keep-hardest as f → 0 at θ = 0, above Gardner's capacity α = 2.

    Kept margins are uniform on (0, f √(π/2)). In units of the student's own field s they fill (0, x);
    the best x has the largest k/x with (α/x) ∫₀ˣ E(k − s + g)₊² ds = 1, and c = √(π/2)/(π x). Below
    α = 2 the error tends to 1/2 instead: with an unlimited pool and a perfect probe there is a
    transition, not an exponential.

    Range: α > 2, f ≪ 1/c; c(2.1) = .52199, c(3) = .17640, c(5) = .10013.

    Args:
        alpha_prune: α, kept examples per dimension, > 2.

    Raises:
        ValueError: α is not above 2.
    """
    (alpha,) = np.atleast_1d(check_alpha(alpha_prune))
    if not alpha > GARDNER_CAPACITY:
        raise ValueError(f"`alpha_prune` must be > 2, where ε is proportional to f; got {alpha_prune}")
    rough = minimiser(
        lambda log_x: -_affordable_margin(float(alpha), math.exp(log_x)) / math.exp(log_x),
        _LEAST_LOG_X,
        math.log(alpha) + _LOG_X_ABOVE,
        xtol=1e-6,
    )
    best = root(
        lambda log_x: _optimality(float(alpha), math.exp(log_x)), rough - _ROUGH_LOG_X, rough + _ROUGH_LOG_X, xtol=1e-14
    )
    return math.sqrt(math.pi / 2) / (math.pi * math.exp(best))


def _affordable_margin(alpha: float, x: float) -> float:
    """k at which α times the mean of Q(k − s) over 0 < s < x is 1."""

    def excess(k: float) -> float:
        return alpha * float(_integrated_ramp(np.array(k)) - _integrated_ramp(np.array(k - x))) / x - 1

    return root(excess, -_MARGIN_RANGE, x + _MARGIN_RANGE, xtol=1e-14)


def _optimality(alpha: float, x: float) -> float:
    """k (Q(k) − Q(k−x)) + x Q(k−x) − x/α, which vanishes where k/x is largest, by the constraint's derivative."""
    k = _affordable_margin(alpha, x)
    (at_k, at_k_minus_x), _, _ = squared_ramp(np.array([k, k - x]))
    return float(k * (at_k - at_k_minus_x) + x * (at_k_minus_x - 1 / alpha))


def _integrated_ramp(x: np.ndarray) -> np.ndarray:
    """∫ Q = [(x³ + 3x) Φ + (x² + 2) φ]/3, the antiderivative that vanishes at −∞."""
    return ((x**3 + 3 * x) * ndtr(x) + (x**2 + 2) * normal_density(x)) / 3


def _imperfect(probe_angle: float) -> float:
    angle = check_probe_angle(probe_angle)
    if angle == 0:
        raise ValueError("`probe_angle` must be in (0, π/2] radians; got 0.0 (a perfect probe follows another law)")
    return angle
