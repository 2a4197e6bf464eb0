"""Limits of the max-margin theory, each with the range in which it holds.

The error ε for many examples at a fixed fraction, and for fractions that vanish at a fixed number of examples. All
follow from the convex problem of `max_margin`; the constants are exact to the digits given.

Example:
    >>> from replica_theory import KeepHardest, asymptotics, max_margin
    >>> exact = max_margin(1000.0, selection=KeepHardest(0.4)).generalization_error
    >>> f"{exact:.4e}, {asymptotics.many_examples(1000.0, keep_fraction=0.4):.4e}"
    '2.0020e-04, 2.0020e-04'
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf, ndtr

from replica_theory._numerics.gaussian import normal_density, squared_ramp
from replica_theory._numerics.one_variable import root
from replica_theory._numerics.quadrature import gauss_legendre
from replica_theory.errors import FloatOrArray, check_alpha, check_keep_fraction, check_number, check_probe_angle
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest, KeepRandom

ERROR_CONSTANT = 0.5004889317774185
"""lim α ε of random data as α → ∞."""

MARGIN_CONSTANT = 0.6388332158039356
"""k*, the margin of the unscaled student as α → ∞: the root of E(k − g)₊ = E(k − g)₊³/3."""

GARDNER_CAPACITY = 2.0
"""α at which random labels stop being separable, and the transition of a perfect probe as f → 0."""

_LOG_X_BELOW, _LOG_X_ABOVE = 2.0, 2.0  # how far around its limits at α = 2 and α = ∞ ln x is searched
_MARGIN_RANGE = 10.0  # how far below 0 and above x the margin k is looked for
_RAMP_ENDS = np.linspace(-12.0, 12.0, 9)  # panel ends in y between which Q(y) is resolved; a polynomial beyond
_ORDER = 20  # Gauss–Legendre nodes a panel
_MANY = 10.0  # least α, in units of the larger of 1 and sin²θ cos θ/f², that counts as many examples


def many_examples(alpha_prune: ArrayLike, *, keep_fraction: float, probe_angle: float = 0.0) -> FloatOrArray:
    """ε of keep-hardest at fixed f as α → ∞: a power law with the fraction in its prefactor.

    ::

        ε = 0.5004889 f / [(2Φ(g / sin θ) − 1) α],   g = Φ⁻¹((1 + f)/2),   and 0.5004889 f/α at θ = 0

    Range: α ≥ 10 and α ≥ 10 sin²θ cos θ/f², where it is within 5 %; the relative deviation falls like 1/α²
    (f = .4: 2e-4 at θ = 20°, α = 100). With fewer examples the student turns inside the kept strip, along whose
    width f it has little to go by (f = 1e-3, θ = 20°, α = 1000: an error 300 times as large).

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        keep_fraction: f in (0, 1].
        probe_angle: θ, radians, in [0, π/2].

    Raises:
        ValueError: A parameter is out of range, or α is too small for the law.

    References:
        Sorscher et al. 2022, arXiv:2206.14486; the prefactor by the strip |z| < g of the boundary.

    Example:
        >>> from replica_theory.asymptotics import many_examples
        >>> f"{many_examples(100.0, keep_fraction=0.4, probe_angle=0.3):.5e}"
        '2.16657e-03'
    """
    alphas, angle = check_alpha(alpha_prune), check_probe_angle(probe_angle)
    fraction = check_keep_fraction(keep_fraction)
    least = _MANY * max(1.0, math.sin(angle) ** 2 * math.cos(angle) / fraction**2)
    if np.min(alphas) < least:
        raise ValueError(
            f"`alpha_prune` must be at least {least:.6g} here, 10 and 10 sin²θ cos θ/f²; got {np.min(alphas)} (below, "
            "max_margin has the exact error)"
        )
    _, threshold = KeepHardest(fraction).thresholds()
    kept_boundary = 2 * float(ndtr(threshold / math.sin(angle))) - 1 if angle else 1.0  # share with |z| < g
    return ERROR_CONSTANT * fraction / kept_boundary / alphas[()]


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

    Example:
        >>> from replica_theory.asymptotics import frontier_fallback
        >>> f"{frontier_fallback(100.0, probe_angle=0.2):.5e}"
        '9.94318e-04'
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

    Example:
        >>> from replica_theory.asymptotics import vanishing_fraction
        >>> f"{vanishing_fraction(5.0, probe_angle=0.2):.5f}"
        '0.43912'
    """
    overlap = max_margin(check_alpha(alpha_prune), selection=KeepRandom()).overlap
    return np.arccos(math.sin(_imperfect(probe_angle)) * overlap) / math.pi


def perfect_probe_slope(alpha_prune: float) -> float:
    """c(α) = lim ε/f of keep-hardest as f → 0 at θ = 0, above Gardner's capacity α = 2.

    Kept margins are uniform on (0, f √(π/2)). In units of the student's own field s they fill (0, x);
    the best x has the largest k/x with (α/x) ∫₀ˣ E(k − s + g)₊² ds = 1, and c = √(π/2)/(π x). Below
    α = 2 the error tends to 1/2 instead: with an unlimited pool and a perfect probe there is a
    transition, not an exponential.

    Range: α > 2, f ≪ 1/c; c √(α − 2) → 1/√(12π) as α → 2, α c → 0.5004889 as α → ∞;
    c(2.1) = .52199, c(3) = .17640, c(5) = .10013.

    Args:
        alpha_prune: α, kept examples per dimension, > 2.

    Raises:
        ValueError: α is not above 2.

    Example:
        >>> from replica_theory.asymptotics import perfect_probe_slope
        >>> f"{perfect_probe_slope(3.0):.5f}"
        '0.17640'
    """
    alpha = check_number(alpha_prune, "alpha_prune")
    if not GARDNER_CAPACITY < alpha < math.inf:
        raise ValueError(f"`alpha_prune` must be > 2, where ε is proportional to f, and finite; got {alpha_prune}")
    small = math.sqrt(12 * (alpha - GARDNER_CAPACITY) / alpha)  # x as α → 2; it is .797 α as α → ∞
    log_x = root(
        lambda log_x: _optimality(alpha, math.exp(log_x)),
        math.log(small) - _LOG_X_BELOW,
        math.log(small * alpha) + _LOG_X_ABOVE,
        xtol=1e-14,
    )
    return math.sqrt(math.pi / 2) / (math.pi * math.exp(log_x))


def _optimality(alpha: float, x: float) -> float:
    """E[(k − s) Q'(k − s)] over 0 < s < x at the affordable k, which vanishes where k/x is largest."""
    return _mean_over_margins(lambda y: y * squared_ramp(y)[1], _affordable_margin(alpha, x), x)


def _affordable_margin(alpha: float, x: float) -> float:
    """k/x − 1/2 at which E[Q(k − s) − 1/2] over 0 < s < x is 1/α − 1/2: differences, which are small at α = 2."""
    excess = (GARDNER_CAPACITY - alpha) / (2 * alpha)
    reach = 0.5 + _MARGIN_RANGE / x
    return root(lambda k: _mean_over_margins(_ramp_above_half, k, x) - excess, -reach, reach, xtol=1e-17)


def _ramp_above_half(y: np.ndarray) -> np.ndarray:
    """Q(y) − 1/2 = y² Φ + y φ + (Φ − 1/2), with all its digits at small y."""
    return y * y * ndtr(y) + y * normal_density(y) + 0.5 * erf(y / math.sqrt(2))


def _mean_over_margins(function: Callable[[np.ndarray], np.ndarray], offset: float, x: float) -> float:
    """Mean of a function of y = k − s over 0 < s < x, at k = (1/2 + offset) x; Q is no polynomial near y = 0 alone."""
    upper, lower = (offset + 0.5) * x, (offset - 0.5) * x
    ends = np.array([lower, *_RAMP_ENDS[np.abs(_RAMP_ENDS - offset * x) < x / 2], upper])
    nodes, weights = gauss_legendre(_ORDER)
    widths = np.diff(ends)[:, None]
    y = ends[:-1, None] + widths * nodes
    return float(np.sum(widths * weights * function(y)) / x)


def _imperfect(probe_angle: float) -> float:
    angle = check_probe_angle(probe_angle)
    if angle == 0:
        raise ValueError("`probe_angle` must be in (0, π/2] radians; got 0.0 (a perfect probe follows another law)")
    return angle
