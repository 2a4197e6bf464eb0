"""Subsets whose covariance is that of other examples: of real ones, for a pool of synthetic ones.

Greedy: with M the scatter of the m rows so far about their mean μ, a row x would make the covariance

    C' = (M + m/(m+1) u uᵀ)/(m+1),   u = x − μ

so that with A = M/(m+1) − T and b = m/(m+1)², T the covariance that is wanted,

    ‖C' − T‖² = ‖A‖² + 2 b uᵀA u + b² ‖u‖⁴

The row with the least joins. Quadratic forms of all rows follow from the last ones by a product with one vector.

References:
    Rezaei et al. 2025, arXiv:2510.08123 (covariance matching in every class).
"""

import numpy as np


def covariance_matching(inputs: np.ndarray, count: int, wanted: np.ndarray) -> np.ndarray:
    """Rows (count,) whose covariance stays near the wanted one, (d, d); the first is nearest the mean of all."""
    rows = inputs.astype(float)
    rows = rows - rows.mean(axis=0)  # the covariance does not depend on it, and digits do
    squares, in_wanted = np.einsum("ij,ij->i", rows, rows), np.einsum("ij,ij->i", rows @ wanted, rows)
    in_scatter, scatter = np.zeros(len(rows)), np.zeros_like(wanted)  # xᵀM x, and M
    kept, free = [int(squares.argmin())], np.ones(len(rows), bool)
    mean = rows[kept[0]].copy()
    free[kept[0]] = False
    for m in range(1, count):
        pull, at_mean = scatter / (m + 1) - wanted, rows @ mean
        length = squares - 2 * at_mean + mean @ mean  # ‖u‖²
        bent = (in_scatter / (m + 1) - in_wanted) - 2 * (rows @ (pull @ mean)) + mean @ pull @ mean  # uᵀA u
        share = m / (m + 1) ** 2
        place = int(np.where(free, 2 * share * bent + (share * length) ** 2, np.inf).argmin())
        step = rows[place] - mean
        in_scatter += m / (m + 1) * (rows @ step) ** 2
        scatter += m / (m + 1) * np.outer(step, step)
        mean += step / (m + 1)
        kept.append(place)
        free[place] = False
    return np.array(kept)


def covariance_of(inputs: np.ndarray) -> np.ndarray:
    """(d, d), about the mean."""
    centred = inputs.astype(float) - inputs.mean(axis=0, dtype=float)
    return centred.T @ centred / len(centred)
