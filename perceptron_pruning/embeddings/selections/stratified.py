"""Equal shares of all strata of difficulty, without the very hardest rows.

References:
    Zheng, Liu, Lai & Prakash 2023, arXiv:2210.15809 (coverage-centric coreset selection, CCS).
"""

import numpy as np

STRATA = 50
HARDEST_LEFT_OUT = 0.1  # share of the rows, of largest score, that is never kept


def stratified(scores: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Row numbers, ascending, (count,).

    The hardest tenth is left out, as far as enough rows are left. The range of the other scores is cut into 50 strata
    of equal width. The budget is shared equally, the smallest stratum first: what it cannot use, the larger ones share.

    Args:
        scores: (n,), high = hard.
        count: Rows to keep, in [1, n].
        rng: Draws rows within a stratum.
    """
    n_left = max(count, len(scores) - int(HARDEST_LEFT_OUT * len(scores)))
    order = rng.permutation(len(scores))  # so that equal scores are left out by chance
    left = order[np.argsort(scores[order], kind="stable")[:n_left]]
    stratum = _strata(scores[left])
    sizes = np.bincount(stratum)
    kept, budget = [], count
    order_of_strata = np.argsort(sizes, kind="stable")
    order_of_strata = order_of_strata[sizes[order_of_strata] > 0]
    for place, number in enumerate(order_of_strata):
        share = min(int(sizes[number]), budget // (len(order_of_strata) - place))
        kept.append(rng.choice(left[stratum == number], share, replace=False))
        budget -= share
    return np.sort(np.concatenate(kept))


def _strata(scores: np.ndarray) -> np.ndarray:
    """Number of the stratum of each row, 0 … 49."""
    low, width = scores.min(), np.ptp(scores) / STRATA
    if width == 0:
        return np.zeros(len(scores), int)
    return np.minimum(((scores - low) / width).astype(int), STRATA - 1)
