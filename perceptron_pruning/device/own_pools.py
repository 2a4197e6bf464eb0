"""Whole pools, pruned round by round by probes that were trained on them; written once for device and host.

In each round a probe is trained on a random share of what is left and a rule keeps some of it by rank, or some of the
whole pool, ranked again. What is ranked is put in random order first, so that a rule that keeps the first of it keeps a
random part; in the first round it is in the order of the draw, which is as good.
"""

from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np

from perceptron_pruning.device.draws import is_order, rank_keys
from perceptron_pruning.device.rule import PoolRule
from perceptron_pruning.students.arrays import Array

Count = Array | np.int32 | int

ORDER, SHARE, POOL_ORDER = range(3)  # what chance decides in a round


class Round(NamedTuple):
    """One round of a pool.

    Attributes:
        rows: Labelled rows of what is left, zero beyond it, (P_bucket, N).
        kept: Which of them are examples, (P_bucket,).
        probe: The unit probe, (N,).
        residual: Of the probe's conditions of optimality; ∞ where a sort of this round or an earlier one erred.
    """

    rows: Array
    kept: Array
    probe: Array
    residual: Array | float


class TrainedOn(NamedTuple):
    """Weights (N,) of a probe, its margins (n,) on the rows that it was given, and its residual."""

    weights: Array
    margins: Array
    residual: Array | float


def rounds_of(
    xp: ModuleType,
    pool: Array,
    n_pool: Count,
    rules: Sequence[PoolRule],
    n_seen: Sequence[Count],
    train: Sequence[Callable[..., TrainedOn]],
    chance: Callable[[int, int, int], Array],
    *,
    rerank_pool: bool = False,
) -> Iterator[Round]:
    """The rounds of a pool.

    Args:
        xp: `numpy` or `jax.numpy`.
        pool: Labelled rows y x, zero beyond the pool, (n, N).
        n_pool: Examples of the pool.
        rules: What each round keeps, of as many as are left, or of the pool.
        n_seen: Examples that each round's probe is trained on.
        train: Its training, of rows and which of them are seen.
        chance: Uniform numbers (size,) for a purpose, a round and a size.
        rerank_pool: Whether the whole pool is ranked in each round.
    """
    left, count, rows, flaw = xp.arange(len(pool)), n_pool, pool, 0.0

    def order_of(keys: Array) -> Array:
        nonlocal flaw
        order = xp.argsort(keys, stable=True)
        flaw = xp.where(is_order(xp, keys, order), flaw, xp.inf)
        return order

    for number, (rule, seen, fit) in enumerate(zip(rules, n_seen, train, strict=True)):
        if number:  # in random order, the others behind
            left = left[order_of(_within(xp, chance(ORDER, number, len(left)), count))]
            rows = _rows(xp, pool, left, count)
        share = _within(xp, chance(SHARE, number, len(left)), count)
        shown = share <= xp.sort(share)[seen - 1]
        flaw = xp.where(shown.sum() == seen, flaw, xp.inf)
        probe = fit(rows, shown)
        ranked, margins, candidates = left, probe.margins, count
        if rerank_pool and number:
            ranked = order_of(_within(xp, chance(POOL_ORDER, number, len(pool)), n_pool))
            margins, candidates = (pool @ probe.weights)[ranked], n_pool
        keys = rank_keys(xp, rule, margins, xp.arange(len(ranked)) < candidates)
        left = ranked[order_of(keys)[rule.ranks]]
        count, rows = rule.n_kept, _rows(xp, pool, left, rule.n_kept)
        unit = probe.weights / xp.linalg.norm(probe.weights)
        yield Round(rows, xp.arange(len(left)) < count, unit, xp.maximum(probe.residual, flaw))


def _within(xp: ModuleType, chance: Array, count: Count) -> Array:
    """∞ beyond the first ``count``."""
    return xp.where(xp.arange(len(chance)) < count, chance, xp.inf)


def _rows(xp: ModuleType, pool: Array, left: Array, count: Count) -> Array:
    return xp.where((xp.arange(len(left)) < count)[:, None], pool[left], 0.0)
