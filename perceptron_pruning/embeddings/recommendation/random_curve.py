"""Random pruning of the whole pool, from the races on four fifths of it.

Random rows that are a share f of m rows are f m rows at random: the errors C(u) of random pruning at shares u of the
raced rows, and of all of them at u = 1, are points of one learning curve, which is interpolated in ln u. From the raced
rows to the whole pool, 5/4 as many, pruning at random to f goes along it from f to 5f/4, and all rows from 1 to 5/4,
beyond the curve; that step is taken to be the one before it, from 4/5 to 1. Differences between a rule and all rows
do not change measurably with that step (0.0 ± 0.1 points on 70 pools), so a rule falls as all rows do, and random
pruning, in the race, stands for::

    C(5f/4) + [C(4/5) − C(1)]

at the whole pool. Where more than 2/5 of the rows are kept it differs from C(f) by less than it scatters.
"""

from collections.abc import Sequence

import numpy as np

from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, Rule, random_rule

RACED_SHARE = 0.8
SMALL_FRACTION = 0.4  # below which random pruning gains more than all rows by a larger pool


def random_of_the_whole_pool(keep_fraction: float, fractions: Sequence[float]) -> dict[Rule, float]:
    """Raced rules → their weights in the error that random pruning has in the whole pool.

    Args:
        keep_fraction: f.
        fractions: All that were raced, f among them.
    """
    if keep_fraction >= SMALL_FRACTION:
        return {random_rule(keep_fraction): 1.0}
    shares = np.array([*sorted(fractions), 1.0])
    weights = _at(keep_fraction / RACED_SHARE, shares) + _at(RACED_SHARE, shares) - _at(1.0, shares)
    rules = [*map(random_rule, sorted(fractions)), EVERYTHING]
    return {rule: float(weight) for rule, weight in zip(rules, weights, strict=True) if abs(weight) > 1e-9}


def _at(share: float, shares: np.ndarray) -> np.ndarray:
    """Weights of the curve's points in its value at a share, linear in its logarithm."""
    return np.array([np.interp(np.log(share), np.log(shares), point) for point in np.eye(len(shares))])
