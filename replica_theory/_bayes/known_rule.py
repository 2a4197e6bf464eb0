"""The saddle point of the Bayes-optimal student that knows the rule but not the probe.

That an example was kept tells it something of the probe. With w the mean of an example's fields (z, u) under what it
has learned, Σ = K − Q their covariance, and Z(w) the chance that the example is kept with label +1, the overlap Q of
two students drawn from the posterior and their information Q̂ on the two fields solve, for rules that treat both labels
alike::

    (B2)  Q̂ = 2 α_tot E_{w ~ N(0, Q)} ∇Z ∇Zᵀ/Z
    (B3)  Q = K − (K⁻¹ + Q̂)⁻¹,   K = [[1, cos θ], [cos θ, 1]]

At θ = 0 the two fields are one, and q/(1−q) = 2 α_tot E_{w ~ N(0, q)} Z'²/Z.
"""

import math
from functools import partial
from typing import Any

import numpy as np

from replica_theory._bayes.fixed_point import first_stable_fixed_point, refined
from replica_theory._bayes.keep_chance import field_information, fields_information
from replica_theory._numerics.one_variable import root
from replica_theory.selection.kept_distribution import KeptDistribution

_LOG_RATIOS = math.log(1e-30), math.log(1e20)  # range of ln q/(1−q)
_ROOT_TOLERANCE = 1e-14  # error of ln q/(1−q)
_ORDER, _ORDER_OF_CHECK = 14, 24  # Gauss–Legendre nodes a panel in w at θ = 0
_COARSE_ORDER, _ORDERS = 6, (9, 13, 18)  # the same at θ > 0, where the check has one more
_FINER = 3  # nodes more in a first look
_VERIFIED = 1e-9  # relative residual at which no higher order is tried
_SMALL_ENTRY = 1e-3  # size, relative to the trace of Q̂, to which the residual of smaller entries is relative


def solve_perfect_probe(kept: KeptDistribution, alpha: float) -> tuple[float, float]:
    """q/(1−q) at θ = 0, and the relative residual of its equation at a higher order."""
    pool = 2 * alpha / kept.keep_fraction  # 2 α_tot

    def log_ratio_of_sides(log_ratio: float, order: int = _ORDER) -> float:
        return math.log(pool * field_information(kept, math.exp(log_ratio), order)) - log_ratio

    log_ratio = root(log_ratio_of_sides, *_LOG_RATIOS, xtol=_ROOT_TOLERANCE)
    return math.exp(log_ratio), abs(log_ratio_of_sides(log_ratio, _ORDER_OF_CHECK))


def solve_known_rule(kept: KeptDistribution, alpha: float) -> tuple[np.ndarray, float]:
    """Σ = K − Q at θ > 0, (2, 2), and the largest relative residual of (B2) by the second quadrature."""
    cosine = math.cos(kept.probe_angle)
    prior = np.array([[1.0, cosine], [cosine, 1.0]])  # K
    pool = 2 * alpha / kept.keep_fraction  # 2 α_tot

    def posterior(information: np.ndarray) -> np.ndarray:
        """Σ = (K⁻¹ + Q̂)⁻¹ = (1 + K Q̂)⁻¹ K."""
        return np.linalg.solve(np.eye(2) + prior @ information, prior)

    def mapped(information: np.ndarray, *, order: int, closed_form: bool = kept.is_constant) -> np.ndarray:
        """Q̂ ↦ right side of (B2), with Q = Σ Q̂ K of (B3)."""
        covariance = posterior(information)
        overlap = covariance @ information @ prior
        return pool * fields_information(kept, covariance, overlap, order, closed_form=closed_form)

    def changed(information: np.ndarray, **quadrature: Any) -> float:
        """Largest relative difference that another quadrature makes."""
        again = mapped(information, **quadrature)
        diagonal, trace = np.diag(information), np.trace(information)
        size = np.sqrt(np.outer(diagonal, diagonal)) + _SMALL_ENTRY * trace
        return float(np.max(np.abs(again - information) / size))

    coarse = partial(mapped, order=_COARSE_ORDER)
    information, residual = first_stable_fixed_point(coarse), math.inf
    for order in _ORDERS:
        information = refined(coarse, partial(mapped, order=order), information)
        if kept.is_constant and order < _ORDERS[-1] and changed(information, order=order + _FINER) > _VERIFIED:
            continue  # a look that costs a tenth of the check
        residual = changed(information, order=order + 1, closed_form=False)
        if residual <= _VERIFIED:
            break
    return posterior(information), residual
