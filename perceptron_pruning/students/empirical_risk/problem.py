"""One student's problem, min Σ v ℓ(A w) + (μ/2)‖w‖², and what is known of a solution."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.errors import TOLERANCE

_RANK = 1e-12


class Problem(NamedTuple):
    """Labelled inputs A = y x (P, N), importance v > 0 (P,) and μ = N λ."""

    rows: np.ndarray
    importance: np.ndarray
    ridge: float


class Solution(NamedTuple):
    """w (N,), its margins m = A w, β (P,) with μ w = Aᵀβ and β ∈ −v ∂ℓ(m), and how far that is from true.

    Attributes:
        residual: Largest relative violation of the conditions of optimality.
        gap: Primal minus dual objective, relative to the primal.
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
    loss: Callable[[np.ndarray], np.ndarray],
    weights: np.ndarray,
    margins: np.ndarray,
    dual: np.ndarray,
    slack: float,
) -> float:
    """Bounds how far a student is from the least objective, relative to its own::

        gap = Σ [v ℓ(m) + (v ℓ)*(−β) + β m] + ‖μ w − Aᵀβ‖²/(2μ)

    At μ = 0 the last term is ‖Aᵀβ‖ ‖w‖, the first order of what a step of w's length can gain, and
    the gap is relative to the objective of w = 0, since that of w may vanish.

    Args:
        problem: The problem.
        loss: ℓ.
        weights: w.
        margins: m = A w.
        dual: β.
        slack: The sum, which is zero where β ∈ −v ∂ℓ(m).
    """
    norm, force = (float(np.linalg.norm(part)) for part in (weights, problem.ridge * weights - dual @ problem.rows))
    losses = float(problem.importance @ loss(margins))
    if problem.ridge > 0:
        return (slack + force**2 / (2 * problem.ridge)) / (losses + 0.5 * problem.ridge * norm**2)
    return (slack + force * norm) / max(losses, float(problem.importance.sum() * loss(np.zeros(1))[0]))


def on_its_span(problem: Problem) -> tuple[Problem, np.ndarray]:
    """The same problem in coordinates of the rows' span, and an orthonormal basis (rank, N) of that.

    Every student lies there. It is fewer coordinates where P < N; without a ridge, a direction
    that no row has would otherwise be left undetermined.
    """
    if problem.ridge > 0:
        basis, triangle = np.linalg.qr(problem.rows.T)
        return problem._replace(rows=np.ascontiguousarray(triangle.T)), basis.T
    left, sizes, basis = np.linalg.svd(problem.rows, full_matrices=False)
    rank = np.count_nonzero(sizes > _RANK * sizes[0])
    return problem._replace(rows=left[:, :rank] * sizes[:rank]), basis[:rank]
