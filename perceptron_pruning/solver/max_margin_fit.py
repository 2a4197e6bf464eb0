"""Max-margin students without bias, one problem or a batch, each verified on all its rows."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.solver.active_set import crossover
from perceptron_pruning.solver.arrays import JAX, NUMPY, Arrays
from perceptron_pruning.solver.errors import TOLERANCE, InaccurateError
from perceptron_pruning.solver.interior_point import interior_point
from perceptron_pruning.solver.least_distance import least_distance


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
    """

    weights: np.ndarray
    margin: np.ndarray
    dual: np.ndarray
    support: np.ndarray
    violation: np.ndarray
    gap: np.ndarray


def fit_max_margin(inputs: ArrayLike, labels: ArrayLike) -> MaxMarginFit:
    """Hard-margin support vector machine through the origin.

    Minimises ½‖w‖² subject to y_i w·x_i ≥ 1: an interior point finds the support, exact linear
    algebra on it finds the solution, and the optimality conditions are checked on all rows.

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
        Mehrotra 1992; Lawson & Hanson 1974, ch. 23.
    """
    x, y = _checked(inputs, labels)
    rows = x * y[..., None]
    batch = rows if rows.ndim == 3 else rows[None]
    scale = np.sqrt(np.mean(np.sum(batch * batch, axis=2), axis=1))  # RMS row length
    scale = np.where(scale > 0, scale, 1.0)
    solved = _solve(batch / scale[:, None, None])
    fit = {
        "weights": solved.weights / scale[:, None],
        "margin": solved.margin * scale,
        "dual": solved.dual / scale[:, None] ** 2,
        "support": solved.support,
        "violation": solved.violation,
        "gap": solved.gap,
    }
    return MaxMarginFit(**(fit if rows.ndim == 3 else {name: value[0] for name, value in fit.items()}))


def _checked(inputs: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(inputs, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if x.ndim not in (2, 3) or 0 in x.shape:
        raise ValueError(f"`inputs` must be (P, N) or (batch, P, N) and not empty; got shape {x.shape}")
    if y.shape != x.shape[:-1]:
        raise ValueError(f"`labels` must have shape {x.shape[:-1]}, one per input; got {y.shape}")
    if not np.all(np.isfinite(x)):
        raise ValueError(f"`inputs` must be finite; first bad entry at {tuple(np.argwhere(~np.isfinite(x))[0])}")
    if not np.all(np.abs(y) == 1):
        raise ValueError(f"`labels` must be -1 or +1; got {y[np.abs(y) != 1].flat[0]}")
    return x, y


def _solve(rows: np.ndarray) -> MaxMarginFit:
    """Solves a batch (batch, P, N) of scaled problems; what comes out unverified goes to NNLS."""
    weights, dual = solve_on_cpu(rows) if jax.default_backend() == "cpu" else solve_on_accelerator(rows)
    violation, gap = _residuals(rows, weights, dual)
    for problem in np.flatnonzero(~_verified(violation, gap)):
        weights[problem], dual[problem] = least_distance(rows[problem], problem=int(problem))
    violation, gap = _residuals(rows, weights, dual)
    for problem in np.flatnonzero(~_verified(violation, gap)):
        raise InaccurateError(float(violation[problem]), float(gap[problem]), int(problem))
    margin = 1 / np.linalg.norm(weights, axis=1)
    return MaxMarginFit(weights=weights, margin=margin, dual=dual, support=dual > 0, violation=violation, gap=gap)


def solve_on_cpu(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unverified weights and duals, one problem after the other, on NumPy and LAPACK."""
    with np.errstate(all="ignore"):  # a failed factorisation is NaN, and is dealt with by who verifies
        weights, dual = zip(
            *(_support_solution(NUMPY, problem, np.ones(len(problem))) for problem in rows), strict=True
        )
    return np.stack(weights), np.stack(dual)


def solve_on_accelerator(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unverified weights and duals, the batch in lock step, compiled by JAX in double precision."""
    examples = rows.shape[1]
    padded = _bucket(examples)
    target = np.where(np.arange(padded) < examples, 1.0, -1.0)
    with jax.enable_x64(True):
        solution = _compiled(jnp.asarray(np.pad(rows, ((0, 0), (0, padded - examples), (0, 0)))), jnp.asarray(target))
        weights, dual = map(np.array, solution)
    return weights, dual[:, :examples].copy()


@jax.jit
def _compiled(rows: jax.Array, target: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jax.vmap(lambda problem: _support_solution(JAX, problem, target))(rows)


def _support_solution(arrays: Arrays, rows, target):
    return crossover(arrays, rows, target, interior_point(arrays, rows, target))


def _bucket(examples: int) -> int:
    """Rows after padding: the next of 8, 10, 12, 14, 16, 20, 24, … so that few shapes are compiled."""
    step = max(1, 2 ** (examples.bit_length() - 3))
    return max(8, -(-examples // step) * step)


def _residuals(rows: np.ndarray, weights: np.ndarray, dual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest violation of y w·x ≥ 1 over all rows, and relative duality gap, on the host."""
    violation = 1 - np.einsum("bpn,bn->bp", rows, weights).min(1)
    primal = 0.5 * np.sum(weights * weights, 1)
    combined = np.einsum("bpn,bp->bn", rows, dual)
    usable = (primal > 0) & (dual.min(1) >= 0)
    difference = primal - dual.sum(1) + 0.5 * np.sum(combined * combined, 1)
    return violation, np.divide(difference, primal, out=np.full_like(primal, np.inf), where=usable)


def _verified(violation: np.ndarray, gap: np.ndarray) -> np.ndarray:
    return (violation <= TOLERANCE) & (np.abs(gap) <= TOLERANCE)
