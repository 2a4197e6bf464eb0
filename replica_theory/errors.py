"""The one error of the numerics, the checks that name a caller's mistake, and how answers are shaped and printed."""

import math
from dataclasses import fields
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

_LEAST_ANGLE = 1e-150  # radians, below which θ is 0: the square of 1/θ must be a number
_SHORT = 6  # numbers of an array that are printed
_LEAST_ALPHA, _LARGEST_ALPHA = 1e-20, 1e100  # α beyond which the terms of an equation leave the numbers
_LARGEST_RIDGE = 1e100  # the square of 1/λ must be a number


class SaddlePointError(ArithmeticError):
    """The saddle point could not be found to the requested residual.

    Attributes:
        residual: Largest relative residual that was reached (NaN when none could be computed).

    Example:
        The paper's version space has no saddle point among few hard examples:

        >>> from replica_theory import KeepHardest, SaddlePointError, paper_version_space
        >>> try:
        ...     paper_version_space(1.0, selection=KeepHardest(0.4))
        ... except SaddlePointError as error:
        ...     print(error.residual > 1e-9)
        True
    """

    def __init__(self, message: str, residual: float):
        super().__init__(message, residual)  # both arguments, so that pickle can make it again
        self.residual = residual

    def __str__(self) -> str:
        return f"{self.args[0]} (residual {self.residual:.3g})"


def check_number(value: object, name: str) -> float:
    """Returns it as a float, or raises unless it is one real number."""
    if isinstance(value, float):
        return float(value)
    try:
        return float(_real(value))  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be a number; got {value!r}") from None


def _real(value: object) -> object:
    """The value, or raises a `TypeError` if it is None or holds text, dates, complex numbers or masked entries."""
    if value is None or np.asarray(value).dtype.kind in "cSUMm" or np.ma.is_masked(value):
        raise TypeError("not a real number")
    return value


def check_keep_fraction(keep_fraction: float, name: str = "keep_fraction") -> float:
    """Returns the fraction, or raises unless it is in (0, 1]."""
    if not 0.0 < check_number(keep_fraction, name) <= 1.0:
        raise ValueError(f"`{name}` must be in (0, 1]; got {keep_fraction}")
    return float(keep_fraction)


def check_probe_angle(probe_angle: float) -> float:
    """Returns the angle, or raises unless it is in [0, π/2], but for one rounding; below 1e-150 it is 0."""
    angle = check_number(probe_angle, "probe_angle")
    if not -_LEAST_ANGLE <= angle <= math.nextafter(math.pi / 2, 2.0):
        raise ValueError(
            f"`probe_angle` must be in [0, π/2] radians; got {probe_angle} (convert degrees with math.radians)"
        )
    return min(angle, math.pi / 2) if angle > _LEAST_ANGLE else 0.0


def check_ridge(ridge: float) -> float:
    """Returns the ridge, or raises unless it is in [0, 1e100] or infinite."""
    if not check_number(ridge, "ridge") >= 0.0:
        raise ValueError(f"`ridge` must be >= 0; got {ridge}")
    if _LARGEST_RIDGE < ridge < math.inf:
        raise ValueError(f"`ridge` must be at most {_LARGEST_RIDGE:g}, or infinite (math.inf); got {ridge}")
    return float(ridge)


def check_alpha(alpha: ArrayLike, name: str = "alpha_prune") -> np.ndarray:
    """Returns a float array, or raises unless it is a scalar or 1-D, in [1e-20, 1e100]."""
    if isinstance(alpha, float) and _LEAST_ALPHA <= alpha <= _LARGEST_ALPHA:
        return np.array(alpha, float)
    try:
        values = np.asarray(_real(alpha), dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be a number or a list of numbers; got {alpha!r}") from None
    if values.ndim > 1:
        raise ValueError(f"`{name}` must be a scalar or 1-D; got shape {values.shape}")
    if not values.size:
        raise ValueError(f"`{name}` must have an entry; got an empty array")
    wrong = values[~(np.isfinite(values) & (values > 0))]
    if wrong.size:
        raise ValueError(f"`{name}` must be finite and > 0; got {wrong.flat[0]}")
    far = values[(values < _LEAST_ALPHA) | (values > _LARGEST_ALPHA)]
    if far.size:
        raise ValueError(f"`{name}` must be in [{_LEAST_ALPHA:g}, {_LARGEST_ALPHA:g}]; got {far.flat[0]}")
    return values


def check_one_alpha(alpha: ArrayLike, name: str = "alpha_prune") -> float:
    """The same of one number alone."""
    values = check_alpha(alpha, name)
    if values.size != 1:
        raise ValueError(f"`{name}` must be a single number; got shape {values.shape}")
    return float(values.item())


FloatOrArray = float | np.ndarray

Values = TypeVar("Values", bound=FloatOrArray, covariant=True)
"""Type of a solution's values: a float where α is a scalar, an array where it is 1-D."""


def shaped_like(alphas: np.ndarray, values: FloatOrArray) -> FloatOrArray:
    """Values, one for each α, (points,), as an array, or the only one as a float where ``alphas`` has no axis."""
    if isinstance(values, np.ndarray):
        return read_only(values.astype(float)) if alphas.ndim else float(values[0])
    return float(values)


def read_only(values: np.ndarray) -> np.ndarray:
    """A view of the array that cannot be written to."""
    view = np.asarray(values).view()
    view.flags.writeable = False
    return view


class ArrayFields:
    """Comparison, hash and printing, by value, of a dataclass (``eq=False, repr=False``) with arrays in its fields.

    Copies, and what pickle brings back, are as read-only as the original, which NumPy does not see to.
    """

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(
            {name: read_only(value) if isinstance(value, np.ndarray) else value for name, value in state.items()}
        )

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, name), getattr(other, name)) for name in _names(self))

    def __hash__(self) -> int:
        return hash((type(self), *(_hashable(getattr(self, name)) for name in _names(self))))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_brief(getattr(self, name))}" for name in _names(self))
        return f"{type(self).__name__}({shown})"


def _names(solution: object) -> list[str]:
    return [field.name for field in fields(solution) if field.repr]  # pyright: ignore[reportArgumentType]


def _same(first: object, second: object) -> bool:
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    return type(first) is type(second) and bool(first == second)


def _hashable(value: object) -> object:
    return (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


def _brief(value: object) -> str:
    if isinstance(value, np.ndarray) and value.size > _SHORT:
        return f"<array {value.shape}, from {value.min():.6g} to {value.max():.6g}>"
    return repr(value)
