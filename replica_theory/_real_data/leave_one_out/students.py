"""Students trained on random subsets of given rows: their mean, covariance, and the fields of rows left out."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from replica_theory._real_data.leave_one_out.adjoint import Adjoint, Multipliers
from replica_theory._real_data.leave_one_out.cavity import Cavity, Equations
from replica_theory._real_data.leave_one_out.rows import Rows, quadratic_forms
from replica_theory._real_data.leave_one_out.solver import solve
from replica_theory.losses.base import Loss
from replica_theory.losses.force_moments import LEVELS, force_moments

_LEAST_DEVIATION = 1e-9  # of a left-out field, relative to its mean size, below which its chance of a mistake is a step


@dataclass(frozen=True, eq=False)
class Students:
    """Solution of the leave-one-out equations.

    Attributes:
        rows: All rows of the pool, φ = 0 for those that are never kept.
        loss: The loss.
        penalty: λ for each coordinate, (d,).
        cavity: a, and m, c, V of all rows.
        resolvent: A⁻¹.
        covariance: Γ.
        residual: Largest relative change in one more step on a finer quadrature.
    """

    rows: Rows
    loss: Loss
    penalty: np.ndarray
    cavity: Cavity
    resolvent: np.ndarray
    covariance: np.ndarray
    residual: float

    @classmethod
    def trained(cls, rows: Rows, loss: Loss, penalty: np.ndarray) -> "Students":
        """Students at the solution.

        Raises:
            ValueError: All inputs are 0.
            SaddlePointError: No solution to a residual of 1e-6.
        """
        used = (rows.count > 0) & rows.moving
        if not used.any():
            raise ValueError("`inputs` must have a number other than 0 in a row that may be kept; got none")
        solved = solve(rows if used.all() else rows.subset(used), loss, penalty)
        step = solved.step
        cavity = step.cavity if used.all() else _all_rows(rows, used, step.cavity, step.resolvent, step.covariance)
        return cls(rows, loss, penalty, cavity, step.resolvent, step.covariance, solved.residual)

    @property
    def left_out_error(self) -> float:
        """Mean over all rows of Φ(−m/c)."""
        return float(np.mean(ndtr(-self.cavity.mean / self.cavity.deviation)))

    def error(self, inputs: np.ndarray, labels: np.ndarray) -> float:
        """Mean error on fresh rows."""
        deviation = np.sqrt(np.maximum(quadratic_forms(inputs, self.covariance), 0.0))
        fields = labels * (inputs @ self.cavity.direction)
        certain = deviation == 0
        chances = ndtr(-fields / np.where(certain, 1.0, deviation))
        return float(np.mean(np.where(certain, 0.5 * (1 - np.sign(fields)), chances)))

    @cached_property
    def influence(self) -> np.ndarray:
        """d ln(left-out error)/dφ, (n,).

        Raises:
            ValueError: Left-out fields do not fluctuate.
            SaddlePointError: The linear system is not solved.
        """
        moving = self.rows.moving
        cavity = self._with_fields_that_fluctuate(moving)
        m, c = cavity.mean, cavity.deviation
        if not c.min() > _LEAST_DEVIATION * np.abs(m).mean():
            raise ValueError(
                "`influence` needs fields that fluctuate between training sets; `n_kept` must be less than "
                f"the {np.count_nonzero(self.rows.count)} rows that may be kept"
            )
        density = moving * np.exp(-0.5 * (m / c) ** 2) / (np.sqrt(2 * np.pi) * c * len(m) * self.left_out_error)
        gradient = Multipliers(
            direction=np.zeros(len(self.penalty)),
            mean=-density,
            variance=density * m / (2 * c**2),
            leverage=np.zeros(len(m)),
        )
        moments = force_moments(self.loss, LEVELS - 2)
        equations = Equations.of(self.rows, self.penalty)
        return Adjoint(equations, moments, cavity, self.resolvent, self.covariance).influence(gradient)

    def _with_fields_that_fluctuate(self, moving: np.ndarray) -> Cavity:
        """The unknowns with any c and V of rows of zeros, on which nothing depends but which must not be 0."""
        c, V = (np.where(moving, values, 1.0) for values in (self.cavity.deviation, self.cavity.leverage))
        return replace(self.cavity, deviation=c, leverage=V)


def _all_rows(rows: Rows, used: np.ndarray, kept: Cavity, resolvent: np.ndarray, covariance: np.ndarray) -> Cavity:
    """The unknowns with those of rows that are never in a training set."""
    others = rows.subset(~used)
    mean, deviation, leverage = (np.empty(len(used)) for _ in range(3))
    mean[used], deviation[used], leverage[used] = kept.mean, kept.deviation, kept.leverage
    mean[~used] = others.fields(kept.direction)
    deviation[~used] = np.sqrt(np.maximum(others.quadratic(covariance), 1e-24))
    leverage[~used] = others.quadratic(resolvent) / rows.normalisation
    return Cavity(kept.direction, mean, deviation, leverage)
