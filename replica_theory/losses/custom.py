"""A loss of the user's own, of which only value and proximal operator are known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replica_theory._numerics.one_variable import root
from replica_theory._numerics.quadrature import gauss_legendre
from replica_theory.losses.base import Loss, Proximal
from replica_theory.losses.breakpoints import Breakpoints

_SLOPE_STEP = 1e-7  # half step in ω of the difference for ∂prox/∂ω, relative to the root mean square of ω
_ORDER = 12  # Gauss–Legendre nodes, and Legendre coefficients of prox, on a panel
_REACH = 2000.0  # largest |ω| at which prox at V = 1 is examined
_FIRST_ENDS = np.concatenate([-np.geomspace(_REACH, 2.0, 12), [-1.0, 0.0, 1.0], np.geomspace(2.0, _REACH, 12)])
# Largest last coefficients of a panel that is not halved, and width of the narrowest, relative to 1 + max(|prox|, |ω|):
_CORNER_TAIL, _CORNER_WIDTH = 1e-14, 1e-13  # in the search for corners
_SMOOTH_TAIL, _SMOOTH_WIDTH = 1e-11, 1e-3  # between corners
_ROUNDING = 1e-6  # by which a slope may leave [0, 1]
_ROOT_TOLERANCE = 1e-14  # error of the ω at which prox vanishes


@dataclass(frozen=True, eq=False)
class CustomLoss(Loss):
    """A user's loss with the breakpoints of its proximal operator, found by evaluating it.

    Attributes:
        users: The user's object.
        breakpoints: Fields p and slopes ω − p at p = prox_ℓ(ω), V = 1, for ω at the ends of panels on which prox is
            a polynomial: there ω − p is a subgradient of ℓ at p, corner or not.
    """

    users: Proximal
    breakpoints: Breakpoints

    @property
    def has_slope(self) -> bool:
        """Whether the user's object has a ``slope``."""
        return callable(getattr(self.users, "slope", None))

    def value(self, field: np.ndarray) -> np.ndarray:
        return np.asarray(self.users.value(field), dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return _checked_proximal(self.users, omega, scale)

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """With ∂prox/∂ω as the user gives it, or from a central difference."""
        if self.has_slope:
            return self.proximal(omega, scale), _checked_slope(self.users, omega, scale)
        step = _SLOPE_STEP * np.sqrt(np.mean(np.square(omega)))
        rise = self.proximal(omega + step, scale) - self.proximal(omega - step, scale)
        return self.proximal(omega, scale), np.clip(rise / (2 * step), 0.0, 1.0)


def as_loss(loss: Loss | Proximal) -> Loss:
    """The loss itself if it is one of the package; a user's own with its breakpoints."""
    return loss if isinstance(loss, Loss) else CustomLoss(loss, _found_breakpoints(loss))


def _checked_proximal(loss: Proximal, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    return _evaluated("proximal", loss.proximal, omega, scale)


def _checked_slope(loss: Proximal, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    slope = _evaluated("slope", loss.slope, omega, scale)  # pyright: ignore[reportAttributeAccessIssue]
    if not (slope.min(initial=0.0) >= -_ROUNDING and slope.max(initial=1.0) <= 1 + _ROUNDING):
        raise ValueError(f"`loss.slope` must return slopes in [0, 1]; got {slope.min():g} to {slope.max():g}")
    return np.clip(slope, 0.0, 1.0)


def _evaluated(
    name: str, function: Callable[..., np.ndarray], omega: np.ndarray, scale: np.ndarray | float
) -> np.ndarray:
    """The user's function at these fields and scales, or an error that names one at which it fails."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is looked at
            value = np.asarray(function(omega, scale), dtype=float)
    except ArithmeticError as error:
        raise ValueError(
            f"`loss.{name}` fails at fields omega from {np.min(omega):g} to {np.max(omega):g} and scales from "
            f"{np.min(scale):g} to {np.max(scale):g}: {error}"
        ) from error
    shape = np.broadcast_shapes(np.shape(omega), np.shape(scale))
    if value.shape != shape:
        raise ValueError(f"`loss.{name}` must return one value for each field, shape {shape}; got shape {value.shape}")
    if not np.isfinite(value).all():
        fields, scales = np.broadcast_arrays(omega, scale)
        place = tuple(np.argwhere(~np.isfinite(value))[0])
        raise ValueError(
            f"`loss.{name}` must return finite values; got {value[place]} at omega = {fields[place]:g}, "
            f"scale = {scales[place]:g} (write exponentials so that they do not overflow)"
        )
    return value


def _found_breakpoints(loss: Proximal) -> Breakpoints:
    omega = np.append(_smooth_panels(loss), _zero_of_proximal(loss))
    fields = _checked_proximal(loss, omega, 1.0)
    return Breakpoints(fields=fields, slopes=omega - fields)


def _smooth_panels(loss: Proximal) -> np.ndarray:
    """Ends of panels in ω on which prox at V = 1 is a polynomial: its corners first, then halves of what is left."""
    _, corners = _halved(loss, _FIRST_ENDS, largest_tail=_CORNER_TAIL, narrowest=_CORNER_WIDTH)
    ends = np.unique(np.concatenate([_FIRST_ENDS, corners]))
    ends, _ = _halved(loss, ends, largest_tail=_SMOOTH_TAIL, narrowest=_SMOOTH_WIDTH)
    return ends


def _halved(
    loss: Proximal, ends: np.ndarray, *, largest_tail: float, narrowest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Halves panels until the last two Legendre coefficients of prox on each are small.

    Returns:
        The ends, and the middles of panels that reached the narrowest width with larger coefficients: corners.
    """
    nodes, _ = gauss_legendre(_ORDER)
    last_coefficients = np.linalg.inv(np.polynomial.legendre.legvander(2 * nodes - 1, _ORDER - 1))[-2:]
    left, right = ends[:-1], ends[1:]
    while True:
        values = _checked_proximal(loss, left[:, None] + (right - left)[:, None] * nodes, 1.0)
        size = 1 + np.maximum(np.abs(values).max(1), np.abs(right))
        rough = np.abs(values @ last_coefficients.T).max(1) > largest_tail * size
        left, right, size = left[rough], right[rough], size[rough]
        middle, narrow = (left + right) / 2, right - left <= narrowest * size
        if narrow.all():
            return ends, middle
        ends = np.union1d(ends, middle[~narrow])
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])


def _zero_of_proximal(loss: Proximal) -> float:
    """ω at which prox vanishes, so that training errors are counted to the edge; 0 if it has one sign."""

    def field(omega: float) -> float:
        return float(_checked_proximal(loss, np.array(omega), 1.0))

    if not field(-_REACH) < 0 < field(_REACH):
        return 0.0
    return root(field, -_REACH, _REACH, xtol=_ROOT_TOLERANCE)
