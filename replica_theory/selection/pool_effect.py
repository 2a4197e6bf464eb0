"""What a finite pool does to a rule that ranks: its thresholds are order statistics, and fluctuate.

P examples are kept of P_tot, n_h harder ones and n_e easier ones dropped. Given the margins of the two dropped examples
that are next to them, the kept are independent draws between. The shares (A, F, B) of an infinite pool that are harder,
between and easier than those two are Dirichlet(n_h, P + 1, n_e) distributed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replica_theory.selection.base import Selection
from replica_theory.selection.ranked import KeepBetween, KeepEasiest, KeepHardest, KeepWindows
from replica_theory.selection.stochastic import KeepRandom, KeepWithProbability

_STEP = 0.02  # of a share, in which derivatives are taken


@dataclass(frozen=True, kw_only=True)
class PoolEffect:
    """Moments over pools that the fluctuating thresholds of a rule add to a value of the theory.

    Attributes:
        shift: Mean over pools of the value, less the value of an infinite pool.
        variance: Variance over pools.
    """

    shift: float = 0.0
    variance: float = 0.0


def pool_effect(
    selection: Selection, *, n_kept: int, pool: int, value: Callable[[Selection], float]
) -> PoolEffect | None:
    """The effect on a value of the theory at fixed α, to order 1/P; None where it is not known.

    It is known for rules that keep all between two ranks, and for independent draws, on which a pool has no effect.
    With shares of mean (A, B) and their covariance C, the value gains ½ Σ C_ij ∂_i ∂_j on that at the mean shares.
    """
    if isinstance(selection, KeepRandom | KeepWithProbability) or n_kept == pool:
        return PoolEffect()
    if isinstance(selection, KeepWindows) and len(selection.windows) == 1:
        selection = KeepBetween(*selection.windows[0], selection.label_aware)
    if not isinstance(selection, KeepHardest | KeepEasiest | KeepBetween):
        return None
    harder, label_aware = selection.harder_count(pool, n_kept), selection.label_aware
    mean = np.array([harder, pool - n_kept - harder]) / (pool + 1)
    covariance = (np.diag(mean) - mean[:, None] * mean) / (pool + 2)

    def at(shares: np.ndarray) -> float:
        return value(KeepBetween(float(shares[0]), float(1 - shares[1]), label_aware))

    centre, slopes, curvatures = _derivatives(at, mean, np.minimum(mean, 1 - mean.sum()))
    shift = centre - value(selection) + 0.5 * float((covariance * curvatures).sum())
    return PoolEffect(shift=shift, variance=float(slopes @ covariance @ slopes))


def _derivatives(
    value: Callable[[np.ndarray], float], at: np.ndarray, scales: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, slopes (2,) and curvatures (2, 2) by central differences; 0 in a share whose scale is 0."""
    steps = np.diag(_STEP * scales)
    centre, slopes, curvatures = value(at), np.zeros(2), np.zeros((2, 2))
    sums = np.zeros(2)
    for i in np.flatnonzero(scales):
        above, below = value(at + steps[i]), value(at - steps[i])
        slopes[i] = (above - below) / (2 * steps[i, i])
        sums[i] = above + below - 2 * centre
        curvatures[i, i] = sums[i] / steps[i, i] ** 2
    if scales.all():
        both = steps[0] + steps[1]
        mixed = value(at + both) + value(at - both) - 2 * centre - sums.sum()
        curvatures[0, 1] = curvatures[1, 0] = mixed / (2 * steps[0, 0] * steps[1, 1])
    return centre, slopes, curvatures
