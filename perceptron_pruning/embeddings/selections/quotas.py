"""How many rows of every class are kept.

References:
    Vysogorets, Ahuja & Kempe 2024, arXiv:2404.05579 (DRoP: quotas by the error of a class, rows at random).
"""

import numpy as np


def proportional(sizes: np.ndarray, count: int) -> np.ndarray:
    """Quotas ∝ n_c with the largest remainders rounded up, at least one of every class if the count allows, (C,)."""
    return shared(sizes.astype(float), sizes, count)


def by_error(sizes: np.ndarray, errors: np.ndarray, count: int) -> np.ndarray:
    """Quotas ∝ the error of a class, at most its size; what is beyond it is shared by the others, (C,).

    Args:
        sizes: n_c, (C,).
        errors: Share of the rows of each class that heads get wrong that did not see them, (C,).
        count: Σ of the quotas, at most Σ n_c.
    """
    return shared(np.maximum(errors, 1e-3), sizes, count)  # a class without error keeps a place


def shared(weights: np.ndarray, sizes: np.ndarray, count: int) -> np.ndarray:
    """Whole numbers ∝ the weights, of sum ``count``, none above its size, (C,)."""
    quotas, free = np.zeros(len(sizes)), np.ones(len(sizes), bool)
    while free.any():
        left = count - quotas[~free].sum()
        quotas[free] = left * weights[free] / weights[free].sum()
        beyond = free & (quotas > sizes)
        if not beyond.any():
            break
        quotas[beyond], free = sizes[beyond], free & ~beyond
    whole = np.floor(quotas).astype(int)
    room = np.flatnonzero(whole < sizes)
    order = room[np.argsort(-(quotas - whole)[room], kind="stable")]
    whole[order[: count - whole.sum()]] += 1
    empty = np.flatnonzero((whole == 0) & (sizes > 0))
    if empty.size and count >= np.count_nonzero(sizes):  # one of every class, from those that have most
        for label in empty:
            whole[whole.argmax()] -= 1
            whole[label] = 1
    return whole
