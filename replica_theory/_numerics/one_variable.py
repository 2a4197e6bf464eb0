"""Roots and minima of functions of one variable. SciPy's optimisers, slow to import, are loaded at the first call."""

from collections.abc import Callable
from typing import Any

_FOUR_ROUNDINGS = 2.0**-50  # least relative tolerance that Brent's method accepts


def root(
    function: Callable[[float], Any], lower: float, upper: float, *, xtol: float = 2e-12, rtol: float = _FOUR_ROUNDINGS
) -> float:
    """Root between two arguments at which the function's signs differ, by Brent's method.

    Args:
        function: Of one float, with a value that is a float.
        lower: One end of the bracket.
        upper: The other.
        xtol: Absolute tolerance of the root.
        rtol: Its relative tolerance.

    Raises:
        ValueError: The function has the same sign at both ends.
    """
    from scipy.optimize import brentq

    return float(brentq(function, lower, upper, xtol=xtol, rtol=rtol))  # pyright: ignore[reportArgumentType]


def minimiser(function: Callable[[float], float], lower: float, upper: float, *, xtol: float) -> float:
    """Argument between two others of the function's least value, by Brent's method, to an absolute ``xtol``."""
    from scipy.optimize import minimize_scalar

    result: Any = minimize_scalar(function, bounds=(lower, upper), method="bounded", options={"xatol": xtol})
    return float(result.x)
