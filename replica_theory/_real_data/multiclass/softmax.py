"""Softmax students: one fit, proximal steps with a C × C leverage, and averages over Gaussian fields.

With f = e_y − softmax(p) and H = diag π − π πᵀ at π = softmax(p), the field of a row in the training set solves
p = ω + V f(p); u = −∂f/∂ω = H (I + V H)⁻¹.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

_MOST_NEWTON_STEPS = 15  # of p
_NEWTON_SOLVED = 1e-6  # step of p at which they end
_LARGEST_STEP = 3.0  # of an entry of p
_ROTATIONS = 512  # random rotations of the points, used in turn
_SEED = 1
_LARGEST_GRADIENT = 1e-5  # of the fit, relative to the number of rows


def softmax(fields: np.ndarray) -> np.ndarray:
    """Chances of the classes, (..., C)."""
    likely = np.exp(fields - fields.max(axis=-1, keepdims=True))
    return likely / likely.sum(axis=-1, keepdims=True)


def curvature(chances: np.ndarray) -> np.ndarray:
    """H = diag π − π πᵀ, (..., C, C)."""
    matrices = -chances[..., :, None] * chances[..., None, :]
    diagonal = np.arange(chances.shape[-1])
    matrices[..., diagonal, diagonal] += chances
    return matrices


def symmetric(matrices: np.ndarray) -> np.ndarray:
    """½ (T + Tᵀ) of each."""
    return 0.5 * (matrices + matrices.swapaxes(-1, -2))


def symmetric_root(matrices: np.ndarray) -> np.ndarray:
    """T^{1/2} of each, negative eigenvalues taken for 0: unlike Cholesky's, it changes continuously with T."""
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ vectors.swapaxes(-1, -2)


def gaussian_points(number: int, rows: int, classes: int) -> np.ndarray:
    """Points that stand for N(0, I), (number, rows, C): of a low-discrepancy sequence, with their negatives, turned."""
    from scipy.stats import qmc

    half = ndtri(np.clip(qmc.Sobol(classes, rng=0).random(number // 2), 1e-6, 1 - 1e-6))
    half *= np.sqrt(classes / np.mean(np.sum(half**2, axis=1)))  # E ξ ξᵀ = I over the turns
    points = np.concatenate([half, -half])
    rng = np.random.default_rng(_SEED)
    turns = np.linalg.qr(rng.standard_normal((min(rows, _ROTATIONS), classes, classes)))[0]
    turned = np.einsum("sa,nab->nsb", points, turns)
    return turned[np.arange(rows) % len(turns)].swapaxes(0, 1)


class SoftmaxForces(NamedTuple):
    """E f, (n, C); E f fᵀ and E u, (n, C, C)."""

    force: np.ndarray
    square: np.ndarray
    slope: np.ndarray


@dataclass
class SoftmaxMoments:
    """Averages over fields N(m, C); p of the last call is the next one's first guess.

    Attributes:
        target: e_y, (n, C).
        points: ξ, (points, n, C).
    """

    target: np.ndarray
    points: np.ndarray

    def __post_init__(self) -> None:
        self._fields: np.ndarray | None = None

    def __call__(self, mean: np.ndarray, covariance: np.ndarray, leverage: np.ndarray) -> SoftmaxForces:
        omega = mean + np.einsum("nab,snb->sna", symmetric_root(covariance), self.points, optimize=True)
        fields = omega if self._fields is None else self._fields
        slopes = np.empty(0)
        for _ in range(_MOST_NEWTON_STEPS):
            force = self.target - softmax(fields)
            H = curvature(self.target - force)
            inverse = np.linalg.inv(np.eye(mean.shape[1]) + leverage @ H)
            slopes = H @ inverse
            miss = fields - omega - (leverage @ force[..., None])[..., 0]
            step = (inverse @ miss[..., None])[..., 0]
            sizes = np.abs(step).max(axis=-1, keepdims=True)
            fields = fields - step * (_LARGEST_STEP / np.maximum(sizes, _LARGEST_STEP))
            if sizes.max() < _NEWTON_SOLVED:
                break
        self._fields = fields
        force = self.target - softmax(fields)
        square = np.einsum("sna,snb->nab", force, force, optimize=True) / len(force)
        return SoftmaxForces(force.mean(axis=0), square, symmetric(slopes.mean(axis=0)))


def fit(rows: np.ndarray, target: np.ndarray, count: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Minimiser (C, D) of Σ φ_i CE_i + ½ Σ_a penalty_a ‖w_a‖², by quasi-Newton steps in units of each column."""
    from scipy.optimize import minimize

    C, total = target.shape[1], count.sum()
    unit = np.sqrt(count @ rows**2 / total)
    unit[unit == 0] = 1.0
    rows, penalty = rows / unit, penalty / unit**2

    def risk(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(C, -1)
        fields = rows @ weights.T
        fields -= fields.max(axis=1, keepdims=True)
        likely = np.exp(fields)
        sums = likely.sum(axis=1)
        value = count @ (np.log(sums) - (fields * target).sum(axis=1)) + 0.5 * np.sum(penalty * weights**2)
        miss = (likely / sums[:, None] - target) * count[:, None]
        gradient = miss.T @ rows + penalty * weights
        return float(value / total), gradient.ravel() / total

    start = np.zeros(C * rows.shape[1])
    options = {"maxiter": 5000, "gtol": _LARGEST_GRADIENT, "ftol": 0.0}
    return minimize(risk, start, jac=True, method="L-BFGS-B", options=options).x.reshape(C, -1) / unit


def error_of_fields(mean: np.ndarray, covariance: np.ndarray, classes: np.ndarray, points: int = 64) -> float:
    """Mean chance that the largest of the fields N(m, C) is of another class; of k that are the largest, one by chance.

    All fields of a row of zeros are 0, without an intercept.
    """
    root, wrong, block = symmetric_root(covariance), 0.0, 4096
    xi = gaussian_points(points, min(len(mean), block), mean.shape[1])
    for start in range(0, len(mean), block):
        rows = slice(start, start + block)
        here = xi[:, : len(mean[rows])]
        fields = mean[rows] + np.einsum("nab,snb->sna", root[rows], here, optimize=True)
        largest = fields == fields.max(axis=-1, keepdims=True)
        own = largest[:, np.arange(len(mean[rows])), classes[rows]]
        wrong += float((1 - own / largest.sum(axis=-1)).sum()) / points
    return wrong / len(mean)
