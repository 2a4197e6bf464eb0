"""A student's problem, its conditions of optimality, and how far a solution is from meeting them.

Rows A = y x are labelled inputs, v the importance of examples and μ = N λ; the risk times N is::

    min Σ v ℓ(m) + (μ/2) ‖w‖²,    m = A w                                                   (R1)
    μ w = Aᵀβ,    β ∈ −v ∂ℓ(m)                                                              (R2)

with β the dual: its maximum is that of −Σ (v ℓ)*(−β) − ‖Aᵀβ‖²/(2μ), where f* is the convex conjugate of f.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import get_lapack_funcs

from perceptron_pruning.students.arrays import Array
from perceptron_pruning.students.empirical_risk.newton import DifferentiableLoss
from perceptron_pruning.students.errors import TOLERANCE

_INDEPENDENT = 0.03  # least diagonal entry of L, relative to the largest, at which a Cholesky factor is accurate
_potrf, _trtrs = get_lapack_funcs(("potrf", "trtrs"), dtype=np.float64)
_RANK = 1e-12  # singular values of A below it, relative to the largest, count as none


@dataclass(frozen=True, kw_only=True)
class Problem:
    """(R1) without its loss.

    Attributes:
        rows: A, labelled inputs y x, (P, N).
        importance: v > 0, (P,).
        ridge: μ = N λ ≥ 0.
    """

    rows: np.ndarray
    importance: np.ndarray
    ridge: float

    def force_scale(self, dual: np.ndarray) -> float:
        """√(Σ β² ‖a‖²), to which the rounding of Aᵀβ is relative."""
        return float(np.sqrt(dual**2 @ np.einsum("pn,pn->p", self.rows, self.rows)))


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A student with its dual, and how far they are from (R2).

    Attributes:
        weights: w, (N,).
        margins: m = A w, (P,).
        dual: β, (P,).
        residual: Largest relative violation of (R2).
        gap: Primal minus dual objective, relative to the primal; see `relative_gap`.
    """

    weights: np.ndarray
    margins: np.ndarray
    dual: np.ndarray
    residual: float
    gap: float

    @property
    def verified(self) -> bool:
        """Whether both are at most 1e-9; False where they are NaN."""
        return self.residual <= TOLERANCE and abs(self.gap) <= TOLERANCE


def relative_gap(
    problem: Problem,
    loss: Callable[[np.ndarray], Array],
    weights: np.ndarray,
    margins: np.ndarray,
    dual: np.ndarray,
    fenchel_gap: float,
    gradient: np.ndarray | None = None,
) -> float:
    """Bounds how far a student is from the least objective, relative to its own::

        gap = Σ [v ℓ(m) + (v ℓ)*(−β) + β m] + ‖μ w − Aᵀβ‖²/(2μ)                              (R3)

    At μ = 0 the last term is ‖Aᵀβ‖ ‖w‖, the first order of what a step of w's length can gain, and
    the gap is relative to the objective of w = 0, since that of w may vanish.

    Args:
        problem: The problem.
        loss: ℓ.
        weights: w.
        margins: m = A w.
        dual: β.
        fenchel_gap: The sum in (R3), zero where β ∈ −v ∂ℓ(m).
        gradient: μ w − Aᵀβ (N,), where it is known.
    """
    gradient = problem.ridge * weights - dual @ problem.rows if gradient is None else gradient
    norm, force = float(np.linalg.norm(weights)), float(np.linalg.norm(gradient))
    losses = float(problem.importance @ loss(margins))
    if problem.ridge > 0:
        return (fenchel_gap + force**2 / (2 * problem.ridge)) / (losses + 0.5 * problem.ridge * norm**2)
    return (fenchel_gap + force * norm) / max(losses, float(problem.importance.sum() * loss(np.zeros(1))[0]))


def differentiable_solution(
    problem: Problem,
    loss: DifferentiableLoss,
    weights: np.ndarray,
    margins: np.ndarray,
    *,
    residual: float,
    gradient: np.ndarray | None = None,
) -> Solution:
    """With β = −v ℓ'(m), of which the gap's sum vanishes; given ∇F (N,), it is not made again."""
    dual = -problem.importance * loss.derivative(margins)
    gap = relative_gap(problem, loss.value, weights, margins, dual, 0.0, gradient)
    return Solution(weights=weights, margins=margins, dual=dual, residual=residual, gap=gap)


def on_its_span(problem: Problem) -> tuple[Problem, Callable[[np.ndarray], np.ndarray]]:
    """The same problem in coordinates of the rows' span, and the way from these coordinates to weights (N,).

    Every student lies there. It is fewer coordinates where P < N; without a ridge, a direction
    that no row has would otherwise be left undetermined. Independent rows are A = L Q, with A Aᵀ = L Lᵀ and Q = L⁻¹A
    orthonormal, and their coordinates the rows of L.
    """
    if problem.ridge > 0:
        gram = problem.rows @ problem.rows.T
        factor, failed = _potrf(gram.T, lower=True, clean=True)
        diagonal = factor.diagonal()
        if not failed and diagonal.min() > _INDEPENDENT * diagonal.max():
            inside = replace(problem, rows=np.ascontiguousarray(factor))
            return inside, lambda weights: _trtrs(factor, weights, lower=True, trans=True)[0] @ problem.rows
        basis, triangle = np.linalg.qr(problem.rows.T)
        return replace(problem, rows=np.ascontiguousarray(triangle.T)), lambda weights: basis @ weights
    left, sizes, basis = np.linalg.svd(problem.rows, full_matrices=False)
    rank = np.count_nonzero(sizes > _RANK * sizes[0])
    inside = left[:, :rank] * sizes[:rank]
    inside[(problem.rows == 0).all(axis=1)] = 0  # exactly, too
    return replace(problem, rows=inside), lambda weights: weights @ basis[:rank]
