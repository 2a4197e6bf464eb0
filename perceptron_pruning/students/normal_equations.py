"""Aᵀ D A, the N × N matrix of every Newton step here, for rows A (P, N) and one weight D ≥ 0 a row (P,)."""

from perceptron_pruning.students.arrays import Array, Arrays


def weighted_gram(
    arrays: Arrays, rows: Array, weights: Array, *, gram: Array | None = None, exact_rows: int = 0
) -> Array:
    """Aᵀ D A, (N, N); given ``gram``, only the rows of largest weight at their own D, the others at their mean d̄::

        Aᵀ D A ≈ A_Lᵀ (D_L − d̄) A_L + d̄ AᵀA

    which costs M N² in place of P N².

    Args:
        arrays: The array library.
        rows: A, (P, N).
        weights: D, (P,).
        gram: AᵀA, (N, N), or an estimate of it from a sample of the rows.
        exact_rows: M, how many rows are in L; < P.

    References:
        Jung, O'Leary & Tits 2012 (constraint reduction).
    """
    xp = arrays.xp
    if gram is None:
        return _gram(rows * xp.sqrt(weights)[:, None])
    largest = arrays.largest(weights, exact_rows)
    mean = (weights.sum() - weights[largest].sum()) / (len(rows) - exact_rows)
    return _gram(rows[largest] * xp.sqrt(xp.maximum(weights[largest] - mean, 0))[:, None]) + mean * gram


def _gram(rows: Array) -> Array:
    return rows.T @ rows
