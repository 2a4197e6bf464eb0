"""Moments of an example's force over its Gaussian field: E f, E f² and E u, row by row.

The field that the other examples give a row is ω ~ N(m, c²); in the training set its own force on it moves it to
p = prox_{Sℓ}(ω), with the force f = (p − ω)/S = −ℓ'(p) and u = −∂f/∂ω = ℓ''(p)/(1 + S ℓ''(p)).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from replica_theory.losses.base import Loss
from replica_theory.losses.named import Hinge, Logistic, Square, SquaredHinge


class ForceMoments(NamedTuple):
    """E f, E f² and E u, (n,) each."""

    force: np.ndarray
    square: np.ndarray
    slope: np.ndarray


Moments = Callable[[np.ndarray, np.ndarray, np.ndarray], ForceMoments]
"""Moments at means m, standard deviations c > 0 and scales S > 0 of the fields, (n,) each."""

ORDERS = (9, 21, 45, 91, 181)  # nodes in the field of a smooth loss: Gauss–Hermite, from 45 on equally spaced
_PANEL_ORDERS = (6, 10, 16, 24, 32)  # Gauss–Legendre nodes on a panel of another loss, at the same levels
_LARGEST_HERMITE = 21  # nodes up to which Gauss–Hermite rules are the better ones
_REACH = 7.3  # standard deviations between which equally spaced nodes lie
_PANEL_ENDS = np.array([-8.5, -4.0, -1.5, 1.5, 4.0, 8.5])  # panels in (ω − m)/c, beside the loss's own
_LAST_STEP = 1e-5  # step in p at which Halley's method ends: an error e becomes e³
_LARGEST_STEP = 1.0  # step in p beyond which the field is solved for afresh
LEVELS = len(ORDERS)
_KEPT_ORDER = 21  # nodes up to which fields are kept for the next call
_NEAR_STEPS = 3  # steps from a guess before the field is solved for afresh
_BLOCK = 1 << 15  # fields in a block of rows


def force_moments(loss: Loss, level: int) -> Moments:
    """Moments of a loss; ``level`` of the quadrature in [0, LEVELS), where the loss has no closed form."""
    if isinstance(loss, Square):
        return _square
    if isinstance(loss, SquaredHinge):
        return _squared_hinge
    if isinstance(loss, Hinge):
        return _hinge
    if isinstance(loss, Logistic):
        return _LogisticMoments(loss, ORDERS[level])
    return _PanelMoments(loss, _PANEL_ORDERS[level])


def _blocks(n: int, nodes: int) -> list[slice]:
    """Slices of rows with so many nodes each."""
    rows = max(1, _BLOCK // nodes)
    return [slice(start, start + rows) for start in range(0, n, rows)]


def in_closed_form(loss: Loss) -> bool:
    """Whether the moments need no quadrature."""
    return isinstance(loss, Square | SquaredHinge | Hinge)


def _square(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = 1 - mean, 1 / (1 + scale)
    return ForceMoments(short * stiffness, (short**2 + deviation**2) * stiffness**2, stiffness)


class _Excess(NamedTuple):
    """E (g)₊, E (g)₊² and P(g > 0) of g ~ N(mean, c²)."""

    first: np.ndarray
    second: np.ndarray
    chance: np.ndarray


def _excess(mean: np.ndarray, deviation: np.ndarray) -> _Excess:
    t = mean / deviation
    chance, density = ndtr(t), np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi)
    first = deviation * (t * chance + density)
    return _Excess(np.maximum(first, 0.0), deviation**2 * ((1 + t * t) * chance + t * density), chance)


def _squared_hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = _excess(1 - mean, deviation), 1 / (1 + scale)
    return ForceMoments(short.first * stiffness, short.second * stiffness**2, short.chance * stiffness)


def _hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    """f = clip((1 − ω)/S, 0, 1)."""
    short, beyond = _excess(1 - mean, deviation), _excess(1 - mean - scale, deviation)
    return ForceMoments(
        (short.first - beyond.first) / scale,
        (short.second - beyond.second - 2 * scale * beyond.first) / scale**2,
        (short.chance - beyond.chance) / scale,
    )


def _gaussian_rule(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of averages over a standard normal variable."""
    if order <= _LARGEST_HERMITE:
        nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    else:
        nodes = np.linspace(-_REACH, _REACH, order)
        weights = np.exp(-0.5 * nodes**2)
    return nodes, weights / weights.sum()


@dataclass
class _LogisticMoments:
    """Quadrature by blocks of rows; fields p of the last call are the next call's first guess.

    prox is analytic up to |Im ω| = π at every S, so that equally spaced nodes, h apart, err by exp(−2π²/(h c)).

    Attributes:
        loss: The logistic loss.
        order: Nodes.
    """

    loss: Logistic
    order: int

    def __post_init__(self) -> None:
        nodes, weights = _gaussian_rule(self.order)
        self._nodes, self._weights = nodes[:, None], weights
        self._fields: list[np.ndarray] = []

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        blocks = _blocks(len(mean), self.order)
        last: list[np.ndarray | None] = [*self._fields] if len(self._fields) == len(blocks) else [None] * len(blocks)
        parts, self._fields = [], []
        for block, guess in zip(blocks, last, strict=True):
            omega = mean[block] + self._nodes * deviation[block]
            fields = self._proximal(omega, scale[block], guess)
            parts.append(self._of_fields(fields, scale[block]))
            if self.order <= _KEPT_ORDER:
                self._fields.append(fields)
        return ForceMoments(*(np.concatenate(moment) for moment in zip(*parts, strict=True)))

    def _of_fields(self, fields: np.ndarray, scale: np.ndarray) -> ForceMoments:
        likely = np.exp(-np.abs(fields))
        away = 1 / (1 + likely)
        force = np.where(fields > 0, likely, 1.0) * away
        curvature = likely * away * away
        weights = self._weights
        return ForceMoments(weights @ force, weights @ force**2, weights @ (curvature / (1 + scale * curvature)))

    def _proximal(self, omega: np.ndarray, scale: np.ndarray, guess: np.ndarray | None) -> np.ndarray:
        """Root of p − S/(1 + eᵖ) = ω by Halley's method from a guess, or afresh where that is far away."""
        fields, steps = (omega, 0) if guess is None or guess.shape != omega.shape else (guess, _NEAR_STEPS)
        for _ in range(steps):
            likely = np.exp(np.minimum(fields, 700.0))
            pull = scale / (1 + likely)
            bend = pull * likely / (1 + likely)
            slope = 1 + bend
            step = (fields - pull - omega) / slope
            step /= 1 + step * bend * (likely - 1) / (2 * slope * (1 + likely))
            largest = np.abs(step).max(initial=0.0)
            if not largest < _LARGEST_STEP:
                break
            fields = fields - step
            if largest < _LAST_STEP:
                return fields
        return self.loss.proximal(omega, np.broadcast_to(scale, omega.shape))


@dataclass
class _PanelMoments:
    """Gauss–Legendre quadrature on panels in ω that end where the loss is not smooth.

    Attributes:
        loss: Any loss.
        order: Nodes on a panel.
    """

    loss: Loss
    order: int

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        nodes = self.order * (len(self.loss.breakpoints.fields) + len(_PANEL_ENDS))
        parts = [self._of_rows(mean[block], deviation[block], scale[block]) for block in _blocks(len(mean), nodes)]
        return ForceMoments(*(np.concatenate(moment) for moment in zip(*parts, strict=True)))

    def _of_rows(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        corners = (self.loss.breakpoints.of_proximal(scale) - mean[:, None]) / deviation[:, None]
        fixed = np.broadcast_to(_PANEL_ENDS, (len(mean), len(_PANEL_ENDS)))
        ends = np.sort(np.concatenate([fixed, np.clip(corners, _PANEL_ENDS[0], _PANEL_ENDS[-1])], axis=1), axis=1)
        nodes, weights = np.polynomial.legendre.leggauss(self.order)
        width = np.diff(ends, axis=1)[..., None]
        xi = ends[:, :-1, None] + width * (nodes + 1) / 2
        chances = width * weights / 2 * np.exp(-0.5 * xi**2) / np.sqrt(2 * np.pi)
        omega, scales = mean[:, None, None] + deviation[:, None, None] * xi, scale[:, None, None]
        fields, slope = self.loss.proximal_and_slope(omega, scales)
        force = (fields - omega) / scales
        moments = (np.sum(chances * values, axis=(1, 2)) for values in (force, force**2, (1 - slope) / scales))
        return ForceMoments(*moments)
