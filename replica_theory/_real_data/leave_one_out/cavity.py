"""One step of the leave-one-out equations (B1)–(B6) of students trained on random subsets of given rows.

A row that is left out of the training set has the field y w·x ~ N(m, c²) over training sets; in the set, its own force
moves the field by V times that force. With f and u averaged over the field, z = y x, and G = 1/(1 − φ V E u)::

    (B1)  λ a = (1/N) Σ φ z E f
    (B2)  A = λ I + (1/N) Σ φ G E u z zᵀ
    (B3)  V = G zᵀ A⁻¹ z/N
    (B4)  m = z·a − φ V E f
    (B5)  Γ = A⁻¹ B A⁻¹/N,  B = (1/N) Σ ν z zᵀ − κ κᵀ N/Σ φ(1 − φ)
          ν = φ G² [E f² − φ (E f)² − φ c² (E u)²],  κ = (1/N) Σ φ (1 − φ) G z E f
    (B6)  c² = G² [zᵀ Γ₋ z − ν (zᵀ A⁻¹ z/N)²]

Γ₋ has κ and Σ φ (1 − φ) of the other rows: where one is left out, their number is fixed. In a pool of few rows its own
term is much of κ.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from replica_theory._real_data.leave_one_out.products import Products
from replica_theory._real_data.leave_one_out.rows import Rows
from replica_theory.losses.force_moments import ForceMoments, Moments

_ROUNDING = 1e-13  # variance of a force, relative to its mean square, that is 0 where a row is in every training set
_LEAST_DEVIATION = 1e-12  # of a field, where every row is in every training set
_EXTRAPOLATED = 0.3  # mean change of V, relative, over which forces are extrapolated
_MOST_OWN_SHARE = 1 - 1e-9  # largest share of a row's response that it owes to itself
_ALIKE = 0.1  # relative difference of two forms of G, which are one at a solution, below which the better one is taken


@dataclass(frozen=True, eq=False)
class Cavity:
    """Unknowns of the equations.

    Attributes:
        direction: a = E w, (d,).
        mean: m, (n,).
        deviation: c > 0, (n,).
        leverage: V > 0, (n,).
    """

    direction: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    leverage: np.ndarray

    @cached_property
    def vector(self) -> np.ndarray:
        """(a, m, c, ln V) in one vector."""
        return np.concatenate([self.direction, self.mean, self.deviation, np.log(self.leverage)])

    @classmethod
    def of_vector(cls, vector: np.ndarray, d: int) -> "Cavity":
        """The inverse of ``vector``."""
        mean, deviation, leverage = vector[d:].reshape(3, -1)
        return cls(vector[:d], mean, np.maximum(deviation, _LEAST_DEVIATION), np.exp(leverage))


@dataclass(frozen=True, eq=False)
class Step:
    """What the equations give from unknowns.

    Attributes:
        cavity: The next unknowns.
        resolvent: A⁻¹, (d, d).
        covariance: Γ of students over training sets, (d, d).
        moments: Moments of forces, weights of the loss included.
        gain: G, (n,).
    """

    cavity: Cavity
    resolvent: np.ndarray
    covariance: np.ndarray
    moments: ForceMoments
    gain: np.ndarray


@dataclass(frozen=True, eq=False)
class OwnPlace:
    """What of a field's variance a fixed number of rows takes away only as the row itself may be one of them.

    With q = z·A⁻¹κ, o = q − p without the row's own term p = φ (1 − φ) G E f z·A⁻¹z/N, D = Σ φ (1 − φ) and L that of
    the other rows, q²/D is taken away where any row may be drawn, and o²/L where this one is left out.

    Attributes:
        whole: q/D, (n,).
        others: o/L, (n,); 0 where no other row is drawn.
        variance: q²/D − o²/L, (n,).
    """

    whole: np.ndarray
    others: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True, eq=False)
class Equations:
    """The equations of one training problem.

    Attributes:
        rows: The rows.
        penalty: λ I, 0 for an intercept, in any basis, (d, d).
        products: Those with the rows.
    """

    rows: Rows
    penalty: np.ndarray
    products: Products

    @classmethod
    def of(cls, rows: Rows, penalty: np.ndarray) -> "Equations":
        """With a penalty for each coordinate, (d,), and products in the precision of the rows."""
        return cls(rows, np.diag(penalty), Products.of(rows))

    def forces(self, moments: Moments, cavity: Cavity) -> ForceMoments:
        """Those of weighted losses."""
        weight = self.rows.weight
        if self.rows.alike:
            return moments(cavity.mean, cavity.deviation, cavity.leverage)
        return moments(cavity.mean, cavity.deviation, cavity.leverage * weight).weighted(weight)

    def step(self, moments: Moments, cavity: Cavity) -> Step:
        """The next unknowns."""
        rows, V, chance = self.rows, cavity.leverage, self.rows.chance
        forces = self.forces(moments, cavity)
        gain = 1 / (1 - chance * V * forces.slope)
        stiffness = rows.count * gain * forces.slope
        resolvent = self._inverted(self.penalty + self.products.curvature(stiffness))
        own = self.products.response(resolvent) / rows.normalisation
        without = self._gain_without(stiffness * own, gain)
        leverage = without * own
        spread = self._spread(forces, gain, cavity)
        push = rows.drawn * gain * forces.force
        more = rows.pull(push)  # κ, by one more row in the training set
        covariance = self._covariance(resolvent, spread, more)
        drawn = self.products.variance(covariance)
        if rows.finite:
            moved = Rows.fields(rows, self._times(resolvent, more))  # as precise as the products
            drawn += self.own_place(moved, push * own).variance - spread * own**2
        deviation = without * np.sqrt(np.maximum(drawn, _LEAST_DEVIATION**2))
        moved = replace(cavity, deviation=deviation, leverage=leverage)
        following = self._with_mean_student(moved, forces, cavity, gain, resolvent)
        return Step(following, resolvent, covariance, forces, gain)

    def _with_mean_student(
        self, moved: Cavity, forces: ForceMoments, cavity: Cavity, gain: np.ndarray, resolvent: np.ndarray
    ) -> Cavity:
        """The unknowns with a and m by Newton's step of (B1) and (B4) at new c and V, if (B4) held at those before."""
        rows, a, m = self.rows, cavity.direction, cavity.mean
        force, excess = self._extrapolated(moved, forces, cavity)
        push = rows.pull(rows.count * (force + gain * forces.slope * excess))
        direction = a - self._times(resolvent, self._times(self.penalty, a) - push)
        own = rows.chance * moved.leverage
        still = np.maximum(1 - own * forces.slope, 0.1)
        return replace(moved, direction=direction, mean=m + (rows.fields(direction) - m - own * force) / still)

    def _extrapolated(
        self, moved: Cavity, forces: ForceMoments, cavity: Cavity
    ) -> tuple[np.ndarray, np.ndarray | float]:
        """E f at new c and V, to first order in what they differ by if that is little; how much larger φ V E f is."""
        by_deviation, by_leverage = moved.deviation - cavity.deviation, moved.leverage - cavity.leverage
        if not np.abs(by_leverage).sum() < _EXTRAPOLATED * cavity.leverage.sum():
            return forces.force, 0.0
        force = forces.force + 0.5 * forces.square_by_mean * by_leverage
        force -= cavity.deviation * forces.slope_by_mean * by_deviation
        return force, self.rows.chance * (moved.leverage * force - cavity.leverage * forces.force)

    def _gain_without(self, share: np.ndarray, gain: np.ndarray) -> np.ndarray:
        """G by the row's own share φ G E u z·A⁻¹z/N of the response, which it tells even far from a solution."""
        if not self.rows.finite:
            return gain
        told = 1 / (1 - np.minimum(share, _MOST_OWN_SHARE))
        return np.where(np.abs(told - gain) < _ALIKE * gain, told, gain)

    def _spread(self, forces: ForceMoments, gain: np.ndarray, cavity: Cavity) -> np.ndarray:
        """ν, variance of a row's force over training sets, its response to the field taken out."""
        chance = self.rows.chance
        response = (cavity.deviation * forces.slope) ** 2
        free = forces.square - chance * (forces.force**2 + response)
        return self.rows.count * gain**2 * np.where(free > _ROUNDING * forces.square, free, 0.0)

    def _covariance(self, resolvent: np.ndarray, spread: np.ndarray, more: np.ndarray) -> np.ndarray:
        """Γ, with the fluctuation that a fixed number of rows takes away."""
        rows = self.rows
        noise = self.products.noise(spread)
        if rows.all_drawn > 0:
            noise -= self._outer(more) * (rows.normalisation / rows.all_drawn)
        return self._between(noise, resolvent) / rows.normalisation

    def own_place(self, moved: np.ndarray, by_own: np.ndarray) -> OwnPlace:
        """By q and p, (n,)."""
        whole, without = moved / (self.rows.all_drawn or np.inf), moved - by_own
        others = without / self._others_drawn
        return OwnPlace(whole, others, whole * moved - others * without)

    @cached_property
    def _others_drawn(self) -> np.ndarray:
        """L, infinite where no other row is drawn, (n,)."""
        left = self.rows.all_drawn - self.rows.drawn
        return np.where(left > _ROUNDING * self.rows.all_drawn, left, np.inf)

    @staticmethod
    def _inverted(matrix: np.ndarray) -> np.ndarray:
        """A⁻¹ of a positive A; else raises ``numpy.linalg.LinAlgError``."""
        return _inverse(matrix)

    @staticmethod
    def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """A a."""
        return matrix @ vector

    @staticmethod
    def _outer(vector: np.ndarray) -> np.ndarray:
        """κ κᵀ."""
        return vector[:, None] * vector

    @staticmethod
    def _between(matrix: np.ndarray, resolvent: np.ndarray) -> np.ndarray:
        """R B R."""
        return resolvent @ matrix @ resolvent


def _diagonal(matrix: np.ndarray) -> np.ndarray:
    """A view of the diagonal that can be written to."""
    return np.einsum("ii->i", matrix)


@cache
def _cholesky() -> tuple[Callable[..., tuple[np.ndarray, int]], ...]:
    """LAPACK's factor of a positive matrix, and the inverse by it."""
    from scipy.linalg import get_lapack_funcs  # a tenth of a second, which other questions need not wait for

    return tuple(get_lapack_funcs(("potrf", "potri"), dtype=np.float64))


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """A⁻¹ of a positive A, by its Cholesky factor.

    Raises:
        numpy.linalg.LinAlgError: A is not positive.
    """
    factorise, invert = _cholesky()
    factor, failed = factorise(matrix, lower=True)
    if failed:
        raise np.linalg.LinAlgError("the matrix is not positive")
    lower, _ = invert(factor, lower=True)
    inverse = lower + lower.T
    _diagonal(inverse)[:] *= 0.5
    return inverse
