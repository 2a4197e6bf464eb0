"""Learning from queries: each example is chosen so that its label tells one bit, the limit of query by committee.

At each time the inputs lie orthogonal to the centre W of the version space, the mean of all students that agree with
all labels, so that a label halves it. With q the overlap of two such students, |W|² = q, the fields of students on a
query of an earlier time t, when the overlap was q_t, have the common variance q − q_t and each 1 − q of its own, as
W·W_t = q_t. The entropy of the version space is thus, with γ² = (q − q_t)/(1 − q)::

    s(α) = extr_q ½ ln(1 − q) + q/2 + ∫₀^α G(γ²) dt,      G(u) = 2 E[Φ(√u ξ) ln Φ(√u ξ)],  ξ ~ N(0, 1)        (Q1)
    q (1 − q) = 2 ∫₀^α (1 − q_t) G'(γ²) dt,               G'(u) = E[φ²/Φ − √u ξ φ (1 + ln Φ)]               (Q2)

(Q2) is an equation for q(α) given its past. As G(0) = −ln 2, s = −α ln 2: a bit an example, which (Q1) shows and the
solver does not use. For α → ∞, 1 − q falls as 4^{−α}, and the error as 2^{−α}.

No choice of examples by what has been seen does better than 2^{−α}: P labels tell apart at most 2^P students, and a
cap of angle θ is a share of about (sin θ)^N of all teachers::

    sin(π ε) ≥ 2^{−α}                                                                                       (Q3)

References:
    Seung, Opper & Sompolinsky 1992; Freund, Seung, Shamir & Tishby 1997 (query by committee); Kinzel & Ruján 1990
    (queries orthogonal to a student); Cui, Saglietti & Zdeborová 2021, arXiv:1912.03927.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Generic

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr

from replica_theory._numerics.gaussian import normal_density
from replica_theory.errors import ArrayFields, FloatOrArray, SaddlePointError, Values, check_alpha, shaped_like

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

_STEP = 0.01  # of α on the path
_LARGEST = 40.0  # α at most: beyond, 1 − q is below 1e-23
_NODES = np.linspace(-14.0, 14.0, 2001)  # √u ξ, where u > 1
_HERMITE = np.polynomial.hermite_e.hermegauss(80)  # ξ, where u < 1
_TABLE = np.linspace(0.0, 60.0, 1201)  # ln(1 + u) at which G and G' are tabulated
_CONVERGED = 1e-13
_MOST_STEPS = 80
_TOLERANCE = 2e-5  # of the entropy per example, relative to ln 2


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class QueriesSolution(ArrayFields, Generic[Values]):
    """Students of queries, shaped like ``alpha``.

    Attributes:
        alpha: α, queries per dimension.
        self_overlap: q, of two students that agree with all labels.
        overlap: √q, of their centre with the teacher.
        generalization_error: arccos(√q)/π, of the centre.
        gibbs_error: arccos(q)/π, of a student at random.
        entropy: s by (Q1), nats per dimension, ≤ 0.
        bound: arcsin(2^{−α})/π, the least error of any choice by what has been seen, (Q3).
        residual: |s + α ln 2|/(α ln 2).

    Example:
        >>> from replica_theory import bisecting_queries
        >>> students = bisecting_queries([1.0, 4.0])
        >>> students.generalization_error.round(5), students.bound.round(5)
        (array([0.23661, 0.03358]), array([0.16667, 0.01991]))
    """

    alpha: Values
    self_overlap: Values
    overlap: Values
    generalization_error: Values
    gibbs_error: Values
    entropy: Values
    bound: Values
    residual: Values


def bisecting_queries(alpha: ArrayLike) -> QueriesSolution[FloatOrArray]:
    """Students of queries whose labels tell a bit each, in the limit N → ∞.

    Args:
        alpha: α, queries per dimension, in (0, 40]; scalar or 1-D.

    Raises:
        ValueError: α is out of range.
        SaddlePointError: The entropy is not −α ln 2 to 2e-5.

    Example:
        >>> from replica_theory import bisecting_queries
        >>> student = bisecting_queries(3.0)
        >>> f"{student.generalization_error:.4f} {student.bound:.4f}"
        '0.0666 0.0399'
    """
    alphas = check_alpha(alpha)
    if np.max(alphas) > _LARGEST:
        raise ValueError(f"`alpha` must be at most {_LARGEST:g}; got {np.max(alphas)} (the error falls as 2^-alpha)")
    from scipy.interpolate import CubicSpline  # loaded when it is used

    points = np.atleast_1d(alphas)
    times, gaps = _path(math.ceil(float(points.max()) / _STEP + 1))
    log_gap = CubicSpline(times, np.log(gaps))
    gap = np.exp(log_gap(points))  # 1 − q
    entropy = np.array([_entropy(one, log_gap) for one in points.tolist()])
    residual = np.abs(entropy / (points * math.log(2)) + 1)
    if not residual.max() <= _TOLERANCE:
        raise SaddlePointError("the entropy of the version space is not a bit an example", residual=residual.max())
    error = np.arctan2(np.sqrt(gap), np.sqrt(1 - gap)) / math.pi
    columns = {
        "alpha": points,
        "self_overlap": 1 - gap,
        "overlap": np.sqrt(1 - gap),
        "generalization_error": error,
        "gibbs_error": np.arctan2(np.sqrt(gap * (2 - gap)), 1 - gap) / math.pi,
        "entropy": entropy,
        "bound": np.arcsin(2.0**-points) / math.pi,
        "residual": residual,
    }
    return QueriesSolution(**{name: shaped_like(alphas, column) for name, column in columns.items()})


@lru_cache(maxsize=8)
def _path(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and 1 − q on a grid, by the trapezoidal rule in (Q2)."""
    times = _STEP * np.arange(steps + 1)
    gaps = np.ones(steps + 1)
    for n in range(1, steps + 1):
        gaps[n] = _next_gap(gaps[:n])
    return times, gaps


def _next_gap(past: np.ndarray) -> float:
    """1 − q one step after these, by Newton's method in ln(1 − q)."""
    weights = np.full(past.size, _STEP)
    weights[0] *= 0.5
    log_gap = math.log(past[-1]) - (0.01 if past.size == 1 else 2 * math.log(2) * _STEP)
    step = math.inf
    for _ in range(_MOST_STEPS):
        values = [_mismatch(shifted, past, weights) for shifted in (log_gap, log_gap + 1e-6)]
        step = values[0] * 1e-6 / (values[1] - values[0])
        log_gap -= step
        if abs(step) < _CONVERGED * max(1.0, abs(log_gap)) * 100:
            return math.exp(log_gap)
    raise SaddlePointError("no overlap found on the path of queries", residual=abs(step))


def _mismatch(log_gap: float, past: np.ndarray, weights: np.ndarray) -> float:
    """(Q2), divided by 1 − q: q − 2 ∫ (1 − q_t)/(1 − q) G' dt; (1 − q_t)/(1 − q) = 1 + u."""
    stretch = past * math.exp(-log_gap)
    now = 0.5 * _STEP / math.pi  # of the query at this time, G'(0) = 1/π
    return -math.expm1(log_gap) - 2 * (float(weights @ (stretch * _slope(np.log(stretch)))) + now)


def _entropy(alpha: float, log_gap: "CubicSpline") -> float:
    """(Q1) at the solution, by a finer rule and with G itself."""
    t = np.linspace(0.0, alpha, 2 * math.ceil(alpha / _STEP) + 1)
    gap = np.exp(log_gap(t))
    values = _informations(np.maximum(gap / gap[-1] - 1, 0.0))
    return 0.5 * math.log(gap[-1]) + 0.5 * (1 - gap[-1]) + float(np.trapezoid(values, t))


def _slope(log_stretch: np.ndarray) -> np.ndarray:
    """G'(u) by ln(1 + u)."""
    return _tables()[1](log_stretch)


def _informations(u: np.ndarray) -> np.ndarray:
    """G(u)."""
    return _tables()[0](np.log1p(u))


@lru_cache(maxsize=1)
def _tables() -> "tuple[CubicSpline, CubicSpline]":
    """G and G' by ln(1 + u), each from its own average."""
    from scipy.interpolate import CubicSpline

    values = np.array([(_mean(_log_chance, u), _mean(_bend, u)) for u in np.expm1(_TABLE)])
    return CubicSpline(_TABLE, 2 * values[:, 0]), CubicSpline(_TABLE, values[:, 1])


def _log_chance(x: np.ndarray) -> np.ndarray:
    """Φ ln Φ."""
    return np.exp(log_ndtr(x)) * log_ndtr(x)


def _bend(x: np.ndarray) -> np.ndarray:
    """(Φ ln Φ)'' = φ²/Φ − x φ (1 + ln Φ)."""
    log_chance, density = log_ndtr(x), normal_density(x)
    return np.exp(2 * np.log(density) - log_chance) - x * density * (1 + log_chance)


def _mean(function: Callable[[np.ndarray], np.ndarray], u: float) -> float:
    """E f(√u ξ) of a function that is negligible beyond ±14, or of small u."""
    if u < 1:
        nodes, weights = _HERMITE
        return float(weights @ function(math.sqrt(u) * nodes)) / math.sqrt(2 * math.pi)
    density = normal_density(_NODES / math.sqrt(u)) / math.sqrt(u)
    return float(np.trapezoid(function(_NODES) * density, _NODES))
