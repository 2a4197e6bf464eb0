"""The square loss and its ridgeless limit, whose saddle points depend on two moments of the kept examples alone."""

import math

import numpy as np

from replica_theory._empirical_risk.order_parameters import OrderParameters


def square_saddle_point(mean: np.ndarray, second: np.ndarray, *, alpha: float, ridge: float) -> OrderParameters:
    """The saddle point in closed form from m = E[y s] and S = E[s sᵀ]::

        λV² + (α + λ − 1)V − 1 = 0,   γ = V/(1 + V),   a = (S + k I)⁻¹ m,   k = 1/(αγ) − 1 = λ(1 + V)/α
        b² = αγ²/(1 − αγ²) (1 − 2 a·m + aᵀ S a)

    At ridge 0 it is the fit of least squares for α > 1 and the interpolation of least norm for α < 1, where
    V is infinite; in between, at α = 1, b is infinite.
    """
    excess = alpha + ridge - 1
    root = math.hypot(excess, 2 * math.sqrt(ridge))
    scale = 2 / (excess + root) if excess > 0 else (root - excess) / (2 * ridge) if ridge > 0 else math.inf
    gain = 1 / (1 + 1 / scale)
    shrinkage = ridge * (1 + scale) / alpha if math.isfinite(scale) else 1 / alpha - 1
    a = np.linalg.solve(second + shrinkage * np.eye(len(mean)), mean)
    share = alpha * gain**2
    misfit = float(1 - 2 * a @ mean + a @ second @ a)
    b = math.sqrt(share / (1 - share) * misfit) if share < 1 else math.inf
    return OrderParameters(alpha, ridge, np.append(a, b), scale)


def interpolating_saddle_point(mean: np.ndarray, second: np.ndarray, *, alpha: float, ridge: float) -> OrderParameters:
    """The student of least norm with y w·x = 1 on every kept example, α < 1: the square loss at λ → 0.

    Its equations hold at any ridge, with λ V = 1 − α as ∂p/∂ω = 0 in (iv).
    """
    components = square_saddle_point(mean, second, alpha=alpha, ridge=0.0).components
    return OrderParameters(alpha, ridge, components, (1 - alpha) / ridge)
