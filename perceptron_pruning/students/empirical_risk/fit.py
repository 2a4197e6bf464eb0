"""Students of a regularised empirical risk, one problem or a batch, each verified."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.students.batches import PerProblem, stacked
from perceptron_pruning.students.empirical_risk.hinge import fit_hinge
from perceptron_pruning.students.empirical_risk.problem import Problem, Solution, on_its_span
from perceptron_pruning.students.empirical_risk.proximal import fit_proximal
from perceptron_pruning.students.empirical_risk.smooth import fit_logistic, fit_squared_hinge
from perceptron_pruning.students.empirical_risk.square import fit_square
from perceptron_pruning.students.errors import InaccurateError
from perceptron_pruning.students.examples import checked_examples
from replica_theory.losses.base import Loss, LossLike, Proximal
from replica_theory.losses.named import Hinge, Logistic, Square, SquaredHinge, check_loss
from replica_theory.losses.risk import EmpiricalRisk

_ADVICE = "a larger `ridge` makes it better conditioned; without one, the least risk may be attained nowhere"
_SOLVERS: dict[type, Callable[[Problem], Solution]] = {
    Square: fit_square,
    Logistic: fit_logistic,
    SquaredHinge: fit_squared_hinge,
    Hinge: fit_hinge,
}


@dataclass(frozen=True, kw_only=True)
class EmpiricalRiskFit:
    """Verified minimisers of a regularised empirical risk; a leading batch axis where the inputs had one.

    Attributes:
        weights: w, (..., N).
        dual: β = −v ℓ'(y w·x), or where ℓ' jumps a value between, with N λ w = Σ β y x, (..., P).
        training_loss: (1/P) Σ v ℓ(y w·x), (...).
        training_error: Share of the examples with y w·x ≤ 0, (...).
        residual: Largest relative violation of the conditions of optimality, ≤ 1e-9, (...); of
            differentiable losses the length of Newton's next step relative to w's, or a bound on w's distance.
        gap: (primal − dual objective) / primal, |gap| ≤ 1e-9, (...); without a ridge, relative to the risk of w = 0.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning import fit_empirical_risk
        >>> inputs = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> fit = fit_empirical_risk(inputs, [1, -1, 1], loss="hinge", ridge=0.1)
        >>> fit.weights.round(6), f"{fit.training_error:.2f}", bool(fit.gap < 1e-9)
        (array([ 2., -1.]), '0.00', True)
    """

    weights: np.ndarray
    dual: np.ndarray
    training_loss: PerProblem
    training_error: PerProblem
    residual: PerProblem
    gap: PerProblem


def fit_empirical_risk(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    loss: LossLike,
    ridge: float,
    sample_weight: ArrayLike | None = None,
) -> EmpiricalRiskFit:
    """Linear student through the origin that minimises a regularised empirical risk::

        (1/N) Σ v ℓ(y w·x) + (λ/2) ‖w‖²

    Square, logistic and squared hinge loss: Newton's method; the latter two, of many examples or features,
    limited-memory BFGS and conjugate gradients. Hinge: an interior point, or of few examples exchanges alone, show
    which have margin 1, and exact algebra on those makes the student. A loss of one's own: an augmented Lagrangian on
    its proximal operator. A batch uses all cores, a process each.

    Args:
        inputs: x, (P, N) or (batch, P, N), finite, in any units.
        labels: y, (P,) or (batch, P), each −1 or +1.
        loss: "square" (½(1−u)²), "logistic", "hinge", "squared_hinge" (½(1−u)₊²), or an object with
            ``value(u)`` and ``proximal(omega, V)``, both vectorised.
        ridge: λ ≥ 0, finite; scikit-learn's C is 1/(λN). At 0, the limit λ → 0: of all minimisers the one of
            least norm, which for the two hinges on separable examples is the max-margin student.
        sample_weight: v ≥ 0, shaped like ``labels``; 1 if none.

    Returns:
        Students with residual and relative duality gap ≤ 1e-9, in double precision.

    Raises:
        ValueError: Shapes do not match, an entry is out of range, or the logistic loss has no
            minimum: no ridge, and separable examples.
        InaccurateError: The conditions of optimality are not met; carries the residuals.

    References:
        Mangasarian 2002 (finite Newton); Ferris & Munson 2002 (interior point); Li, Sun & Toh 2018.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning import fit_empirical_risk
        >>> inputs = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> fit_empirical_risk(inputs, [1, -1, 1], loss="square", ridge=0.1).weights.round(6)
        array([ 1.145833, -0.520833])
    """
    risk = EmpiricalRisk(loss, ridge)
    if not math.isfinite(ridge):
        raise ValueError(f"`ridge` must be finite; got {ridge} (the limit of large ones points along Σ v y x)")
    x, y = checked_examples(inputs, labels)
    importance = _checked_importance(sample_weight, y.shape)
    fit = _Fit(loss=check_loss(risk.loss), ridge=float(ridge))
    if x.ndim == 2:
        return fit(x * y[:, None], importance, 0)
    rows = x * y[..., None]
    return stacked(on_all_cores(fit, rows, importance, range(len(rows))))


def _checked_importance(sample_weight: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray:
    if sample_weight is None:
        return np.ones(shape)
    importance = np.asarray(sample_weight, dtype=np.float64)
    if importance.shape != shape:
        raise ValueError(f"`sample_weight` must have shape {shape}, one per label; got {importance.shape}")
    if not (np.isfinite(importance).all() and (importance >= 0).all() and importance.any(-1).all()):
        raise ValueError(
            f"`sample_weight` must be finite, >= 0 and not all 0; got {importance.min()} to {importance.max()}"
        )
    return importance


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """One student of this loss and ridge λ."""

    loss: Loss | Proximal
    ridge: float

    def __call__(self, rows: np.ndarray, importance: np.ndarray, index: int) -> EmpiricalRiskFit:
        counted = slice(None) if importance.all() else importance > 0
        problem = Problem(rows=rows[counted], importance=importance[counted], ridge=self.ridge * rows.shape[1])
        with one_blas_thread():
            solution = self._solved(problem)
        if not solution.verified:
            raise InaccurateError(solution.residual, solution.gap, index, _ADVICE)
        margins = solution.margins if isinstance(counted, slice) else rows @ solution.weights
        dual = np.zeros(len(rows))
        dual[counted] = solution.dual
        return EmpiricalRiskFit(
            weights=solution.weights,
            dual=dual,
            training_loss=np.float64(importance @ self.loss.value(margins) / len(rows)),
            training_error=np.float64(np.mean(margins <= 0)),
            residual=np.float64(solution.residual),
            gap=np.float64(solution.gap),
        )

    def _solved(self, problem: Problem) -> Solution:
        """In the coordinates of the rows' span, where those are fewer or needed."""
        examples, features = problem.rows.shape
        if problem.ridge > 0 and examples >= features:
            return self._minimised(problem)
        inside, outwards = on_its_span(problem)
        solution = self._minimised(inside)
        return replace(solution, weights=outwards(solution.weights))

    def _minimised(self, problem: Problem) -> Solution:
        solver = _SOLVERS.get(type(self.loss))
        return fit_proximal(problem, self.loss) if solver is None else solver(problem)
