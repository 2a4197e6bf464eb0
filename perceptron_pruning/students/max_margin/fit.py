"""Max-margin students without bias, one problem or a batch, each verified on all its rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.students.batches import PerProblem, stacked
from perceptron_pruning.students.examples import check_sizes, checked_scale, norm, shaped_examples
from perceptron_pruning.students.max_margin.exact import exact
from perceptron_pruning.students.max_margin.few_examples import few_examples
from perceptron_pruning.students.max_margin.optimality import Candidate
from perceptron_pruning.students.max_margin.support_guess import support_guess


@dataclass(frozen=True, kw_only=True)
class MaxMarginFit:
    """Verified max-margin students; a leading batch axis where the inputs had one.

    Attributes:
        weights: w of least norm with y w·x ≥ 1 on every example, (..., N).
        margin: κ = 1/‖w‖, least y J·x for the unit-norm student, (...).
        dual: λ ≥ 0 with w = Σ λ y x, (..., P).
        support: Which examples are support vectors, λ > 0, (..., P).
        violation: Largest 1 − y w·x over all examples, ≤ 1e-9, (...).
        gap: (primal − dual objective) / primal, |gap| ≤ 1e-9, (...).

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning import fit_max_margin
        >>> fit = fit_max_margin(np.array([[2.0, 1.0], [0.0, -1.0], [3.0, 3.0]]), [1, -1, 1])
        >>> f"{fit.margin:.5f}", fit.support.tolist(), bool(fit.violation < 1e-9)
        ('1.00000', [False, True, False], True)
    """

    weights: np.ndarray
    margin: PerProblem
    dual: np.ndarray
    support: np.ndarray
    violation: PerProblem
    gap: PerProblem


def fit_max_margin(inputs: ArrayLike, labels: ArrayLike) -> MaxMarginFit:
    """Hard-margin support vector machine through the origin.

    Minimises ½‖w‖² subject to y_i w·x_i ≥ 1. For P > N an interior point guesses the support, and a
    dual active set on all rows makes it exact, after a second guess in double precision if the first
    is far off. For P ≤ N exchanges of blocks on the Gram matrix mostly end at the solution, else they
    are the guess. The optimality conditions are checked on all rows. A batch uses all cores, a process each.

    Args:
        inputs: x, (P, N) or (batch, P, N), finite, in any units.
        labels: y, (P,) or (batch, P), each −1 or +1.

    Returns:
        Students with violation ≤ 1e-9 and relative duality gap ≤ 1e-9, in double precision.

    Raises:
        ValueError: Shapes do not match, an input is not finite, a label is not ±1.
        InfeasibleError: The examples are not separable (no margin above 1e-7 of the inputs'
            root-mean-square length); carries a certificate.
        InaccurateError: The optimality conditions are not met; carries the residuals.

    References:
        Mehrotra 1992; Goldfarb & Idnani 1983; Júdice & Pires 1994; Lawson & Hanson 1974, ch. 23.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning import fit_max_margin
        >>> fit_max_margin(np.array([[2.0, 0.0], [0.0, -1.0]]), [1, -1]).weights.round(6)
        array([0.5, 1. ])
    """
    x, y = shaped_examples(inputs, labels)
    if x.ndim == 2:
        return _fit(x, y, 0)
    with np.errstate(all="ignore"):
        check_sizes(x, norm(x))
    return stacked(on_all_cores(_fit, x, y, range(len(x))))


def _fit(x: np.ndarray, y: np.ndarray, problem: int) -> MaxMarginFit:
    """One problem, solved in units of the rows' typical length."""
    with one_blas_thread(), np.errstate(all="ignore"):  # what overflows is a bad guess, and does not pass
        solution, scale = _solved(x, y, problem)
    dual = np.zeros(len(x))
    dual[solution.support] = solution.dual / scale**2
    return MaxMarginFit(
        weights=solution.weights / scale,
        margin=scale / np.sqrt(solution.weights @ solution.weights),
        dual=dual,
        support=dual > 0,
        violation=np.float64(solution.violation),
        gap=np.float64(solution.gap),
    )


def _solved(x: np.ndarray, y: np.ndarray, problem: int) -> tuple[Candidate, float]:
    """A verified student of x over a unit, and that unit."""
    if len(x) > x.shape[1]:
        scale = checked_scale(x, norm(x))
        rows = x * (y / scale)[:, None]
        return exact(rows, *support_guess(rows), problem=problem), scale
    guessed, unit = few_examples(x, y)
    if guessed.verified:
        return guessed, unit
    scale = checked_scale(x, norm(x))
    return exact(x * (y / scale)[:, None], guessed.support, (scale / unit) ** 2 * guessed.dual, problem=problem), scale
