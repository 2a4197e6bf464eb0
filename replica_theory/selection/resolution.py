"""Where to cut a smooth function so that polynomials of one degree stand for it."""

from collections.abc import Callable

import numpy as np

_REACH = 8.5  # |m| beyond which φ(m) < 1e-16
_ORDER = 10  # points of a polynomial
_RESOLVED = 1e-9  # largest error of a polynomial times φ(m)/φ(0)
_MOST_HALVINGS = 16


def resolving_ends(function: Callable[[np.ndarray], np.ndarray], interval: tuple[float, float]) -> tuple[float, ...]:
    """Arguments in an interval that halve it until a polynomial of degree 9 is the function.

    To 1e-9 where a normal variable is at the origin, and less closely where it is rare; none beyond ±8.5.
    """
    first, last = np.clip(interval, -_REACH, _REACH).tolist()
    lower, upper, cuts = np.array([first]), np.array([last]), []
    if not first < last:
        return ()
    for _ in range(_MOST_HALVINGS):
        middle, half = (lower + upper) / 2, (upper - lower) / 2
        places = middle[:, None] + half[:, None] * _PLACES
        values = function(places.ravel()).reshape(places.shape)
        error = np.abs(values[:, :_ORDER] @ _INTERPOLATION.T - values[:, _ORDER:]).max(axis=1)
        nearest = np.where(lower * upper < 0, 0.0, np.minimum(np.abs(lower), np.abs(upper)))
        rough = error * np.exp(-0.5 * nearest**2) > _RESOLVED
        if not rough.any():
            break
        cuts.extend(middle[rough].tolist())
        lower, upper = np.append(lower[rough], middle[rough]), np.append(middle[rough], upper[rough])
    return tuple(sorted(cuts))


def _interpolation(points: np.ndarray, tests: np.ndarray) -> np.ndarray:
    """Values at the tests of the polynomial through values at the points, as a matrix, by Lagrange's formula."""
    others = [np.delete(points, place) for place in range(points.size)]
    return np.stack(
        [np.prod((tests[:, None] - rest) / (at - rest), axis=1) for at, rest in zip(points, others, strict=True)],
        axis=1,
    )


_POINTS = np.cos((2 * np.arange(_ORDER) + 1) * np.pi / (2 * _ORDER))  # roots of a Chebyshev polynomial
_TESTS = np.cos(np.pi * np.arange(1, _ORDER) / _ORDER)  # its extrema
_PLACES = np.concatenate([_POINTS, _TESTS])
_INTERPOLATION = _interpolation(_POINTS, _TESTS)
