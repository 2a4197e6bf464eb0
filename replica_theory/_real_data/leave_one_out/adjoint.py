"""First variation of the left-out error by the adjoint of the leave-one-out equations.

Residuals r(x, φ) = 0 of the unknowns x = (a, m, s = c², V), all n rows among them, those that are never kept with
φ = 0. With multipliers μ that solve (∂r/∂x)ᵀ μ = −∂ε/∂x the variation of ε is μᵀ ∂r/∂φ: one linear system, whatever the
number of rows.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from replica_theory._real_data.leave_one_out.cavity import Cavity, Equations, OwnPlace
from replica_theory._real_data.leave_one_out.rows import row_blocks
from replica_theory.errors import SaddlePointError
from replica_theory.losses.force_moments import ForceMoments, Moments

_SOLVED = 1e-9  # residual of the linear system, relative to its right side
_MOST_PRODUCTS = 300
_STEP = 1e-5  # of differences of a row's moments: relative in S, in units of max(c, 1e-3) in m and c


@dataclass(frozen=True, eq=False)
class Multipliers:
    """Multipliers of the residuals, or gradients in the unknowns: (d,), (n,), (n,), (n,)."""

    direction: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    leverage: np.ndarray

    def vector(self) -> np.ndarray:
        return np.concatenate([self.direction, self.mean, self.variance, self.leverage])

    @classmethod
    def of_vector(cls, vector: np.ndarray, d: int) -> "Multipliers":
        return cls(vector[:d], *np.split(vector[d:], 3))


@dataclass(frozen=True, eq=False)
class Adjoint:
    """The equations linearised at their solution.

    Attributes:
        equations: With all rows.
        moments: Moments of the loss.
        cavity: The solution.
        resolvent: A⁻¹.
        covariance: Γ.
    """

    equations: Equations
    moments: Moments
    cavity: Cavity
    resolvent: np.ndarray
    covariance: np.ndarray

    @cached_property
    def forces(self) -> ForceMoments:
        """E f, E f², E u."""
        return self.equations.forces(self.moments, self.cavity)

    @cached_property
    def slopes(self) -> tuple[ForceMoments, ForceMoments, ForceMoments]:
        """Derivatives of the three moments by m, s = c² and V, by central differences, row by row."""
        cavity = self.cavity
        step = _STEP * np.maximum(cavity.deviation, 1e-3)

        def difference(low: Cavity, high: Cavity, width: np.ndarray) -> ForceMoments:
            ends = (self.equations.forces(self.moments, at) for at in (low, high))
            return ForceMoments(*((above - below) / width for below, above in zip(*ends, strict=True)))

        small = np.minimum(step, 0.5 * cavity.deviation)
        share = _STEP * cavity.leverage

        def moved(name: str, change: np.ndarray) -> Cavity:
            return replace(cavity, **{name: getattr(cavity, name) + change})

        return (
            difference(moved("mean", -step), moved("mean", step), 2 * step),
            difference(  # ds = 2 c dc
                moved("deviation", -small), moved("deviation", small), 4 * small * cavity.deviation
            ),
            difference(moved("leverage", -share), moved("leverage", share), 2 * share),
        )

    def influence(self, gradient: Multipliers) -> np.ndarray:
        """dε/dφ, (n,), of an error with this gradient in the unknowns.

        Raises:
            SaddlePointError: The linear system is not solved to a residual of 1e-9.
        """
        from scipy.sparse.linalg import LinearOperator, gmres

        d = len(gradient.direction)

        def product(vector: np.ndarray) -> np.ndarray:
            return self._preconditioned(self._pulled_back(Multipliers.of_vector(vector, d))[0]).vector()

        right = self._preconditioned(gradient).vector()
        size = np.linalg.norm(right)
        if size == 0.0:
            return np.zeros(len(gradient.mean))
        operator = LinearOperator((right.size, right.size), matvec=product, dtype=float)  # pyright: ignore[reportCallIssue]
        solution, _ = gmres(operator, -right, rtol=_SOLVED / 10, restart=100, maxiter=_MOST_PRODUCTS // 100)
        residual = float(np.linalg.norm(product(solution) + right) / size)
        if not residual < _SOLVED:
            raise SaddlePointError("the adjoint of the leave-one-out equations is not solved", residual)
        return self._pulled_back(Multipliers.of_vector(solution, d))[1]

    def _preconditioned(self, gradient: Multipliers) -> Multipliers:
        """Multipliers whose blocks (a, m) solve their own part of the system exactly."""
        rows, U = self.equations.rows, self.forces.slope
        gain = self._gain
        direction = self.resolvent @ (gradient.direction + rows.normalisation * rows.pull(gain * gradient.mean))
        push = rows.count * U * rows.fields(direction) / rows.normalisation
        return replace(gradient, direction=direction, mean=gain * (gradient.mean - push))

    @cached_property
    def _gain(self) -> np.ndarray:
        return 1 / (1 - self.equations.rows.chance * self.cavity.leverage * self.forces.slope)

    @cached_property
    def _own(self) -> np.ndarray:
        """zᵀ A⁻¹ z/N."""
        return self.equations.rows.quadratic(self.resolvent) / self.equations.rows.normalisation

    @cached_property
    def _free(self) -> np.ndarray:
        """E f² − φ (E f)² − φ c² (E u)²: ν/(φ G²)."""
        forces, own = self.forces, self.equations.rows.chance
        return forces.square - own * (forces.force**2 + (self.cavity.deviation * forces.slope) ** 2)

    @cached_property
    def _more(self) -> tuple[np.ndarray, np.ndarray, float]:
        """φ (1 − φ), κ and Σ φ (1 − φ)/N."""
        rows = self.equations.rows
        more = rows.pull(rows.drawn * self._gain * self.forces.force)
        return rows.drawn, more, rows.all_drawn / rows.normalisation

    @cached_property
    def _place(self) -> OwnPlace:
        """What a fixed number of rows takes away from a field by the row's own place."""
        rows, (drawn, more, _) = self.equations.rows, self._more
        if not rows.finite:
            return OwnPlace(*np.zeros((3, len(drawn))))
        return self.equations.own_place(
            rows.fields(self.resolvent @ more), drawn * self._gain * self.forces.force * self._own
        )

    def _pulled_back(self, multiplier: Multipliers) -> tuple[Multipliers, np.ndarray]:
        """(∂r/∂x)ᵀ μ and (∂r/∂φ)ᵀ μ; ``by_…`` is the derivative of μ·r by a quantity of the equations."""
        rows, F1, U, G = self.equations.rows, self.forces.force, self.forces.slope, self._gain
        phi, psi, N = rows.count, rows.chance, rows.normalisation
        finite = float(rows.finite)
        V, s, tau, free = self.cavity.leverage, self.cavity.deviation**2, self._own, self._free
        nu, drawn, more, variance = phi * G**2 * free, *self._more
        total = s / G**2  # zᵀΓ₋z − ν τ²
        by_total = -multiplier.variance * G**2
        R, place = self.resolvent, self._place
        by_moved = 2 * by_total * (place.whole - place.others)
        by_place = 2 * by_total * place.others  # of φ (1 − φ) G E f τ
        by_own = -multiplier.leverage * G - finite * 2 * by_total * nu * tau + by_place * drawn * G * F1
        by_gain = -multiplier.leverage * tau - 2 * multiplier.variance * G * total
        outer = self._weighted(by_total)
        by_noise = R @ outer @ R / N
        mixed = self.covariance @ outer @ R
        responding = R @ rows.pull(by_moved)
        turned = N / 2 * np.outer(responding, R @ more)
        by_hessian = -(mixed + mixed.T) - R @ self._weighted(by_own / N) @ R - (turned + turned.T)
        by_nu = rows.quadratic(by_noise) / N - finite * by_total * tau**2
        by_weight = rows.quadratic(by_hessian) / N  # of φ G E u
        by_more = rows.fields(responding) + by_place * tau  # of φ (1 − φ) G E f
        squares = by_total * place.others**2
        by_drawn = (squares - by_total * place.whole**2).sum() - squares  # explicitly
        if variance > 0:
            pulled = by_noise @ more
            by_more -= 2 * rows.fields(pulled) / (variance * N)
            by_drawn += more @ pulled / (variance**2 * N)
        by_drawn += by_more * G * F1
        by_free = by_nu * phi * G**2
        by_gain += by_weight * phi * U + 2 * by_nu * phi * G * free + by_more * drawn * F1
        along = rows.fields(multiplier.direction) / N
        by_F1 = -2 * psi * F1 * by_free + by_more * drawn * G - phi * along + multiplier.mean * psi * V
        by_U = by_weight * phi * G - 2 * psi * s * U * by_free + by_gain * G**2 * psi * V
        by_psi = -(F1**2 + s * U**2) * by_free - by_drawn * phi + multiplier.mean * V * F1 + by_gain * G**2 * V * U
        by_phi = by_weight * G * U + by_nu * G**2 * free + by_drawn * (1 - psi) - F1 * along
        through = [by_F1 * slope.force + by_free * slope.square + by_U * slope.slope for slope in self.slopes]
        gradient = Multipliers(
            self.equations.penalty @ multiplier.direction - N * rows.pull(multiplier.mean),
            multiplier.mean + through[0],
            multiplier.variance - psi * U**2 * by_free + through[1],
            multiplier.leverage + multiplier.mean * psi * F1 + by_gain * G**2 * psi * U + through[2],
        )
        return gradient, by_phi + finite * by_psi

    def _weighted(self, coefficients: np.ndarray) -> np.ndarray:
        """Σ r_i z_i z_iᵀ of coefficients of any sign."""
        inputs = self.equations.rows.inputs
        total = np.zeros((inputs.shape[1],) * 2)
        for block in row_blocks(inputs):
            total += inputs[block].T @ (inputs[block] * coefficients[block, None])
        return total
