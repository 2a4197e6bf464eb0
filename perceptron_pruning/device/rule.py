"""What the device needs of a selection rule: numbers alone, so that one program serves all rules."""

import math
from typing import NamedTuple

import numpy as np

from perceptron_pruning.device.numerics import bucket
from perceptron_pruning.sampling import pool_size
from replica_theory.selection import Calibrated, KeepByRank, KeepRandom, KeepWithProbability, Selection

_TABLE_FIELDS = np.linspace(-9.0, 9.0, 6001)  # probe fields at which a keep probability is tabulated
_ANY_FIELDS, _CERTAIN = np.array([-1.0, 1.0]), np.ones((2, 2))  # the table of a rule in which chance has no part
_JUMP = 1e-9  # width up to which two fields are the sides of a jump
_TABLE_ERROR = 1e-6  # error of the table halfway between its fields, at most
_SPARE_DEVIATIONS = 12.0  # standard deviations of the number that chance keeps, by which a pool is larger


class PoolRule(NamedTuple):
    """Keeps the examples of some ranks by margin ``absolute |z| + signed y z``, of those that chance lets pass.

    Attributes:
        ranks: Ranks that are kept (P_bucket,), the first ``n_kept`` of them; 0 is the hardest.
        n_kept: P.
        pool: Examples of the pool; what the program draws beyond them is never kept.
        lottery: The first so many of the pool have the first ranks, in their order.
        absolute, signed: 1 and 0 of rules that rank |z|, 0 and 1 of those that rank y z, 0 and 0 of none.
        fields: z (K,), ascending, at which the chance to pass is tabulated.
        chances: q(z, −1) and q(z, +1) there, (2, K), linear between.
    """

    ranks: np.ndarray
    n_kept: np.int32
    pool: np.int32
    lottery: np.int32
    absolute: np.float64
    signed: np.float64
    fields: np.ndarray
    chances: np.ndarray

    @property
    def is_by_chance(self) -> bool:
        """Whether chance has a part in who passes; by the size of the table, which a compiled program knows."""
        return len(self.fields) > len(_ANY_FIELDS)


def pool_rule(
    selection: Selection, probe_angle: float, n_kept: int, label_noise: float, *, pool: int | None = None
) -> PoolRule | None:
    """The rule in numbers; None for one that only the host can apply.

    Args:
        selection: The rule.
        probe_angle: θ, radians.
        n_kept: P.
        label_noise: η.
        pool: Examples that it keeps them of, where those that it leaves matter too; by default P/f, or as few as serve.
    """
    least, pool = n_kept if pool is None else pool, pool or pool_size(selection, probe_angle, n_kept, label_noise)
    if type(selection) is KeepRandom or (type(selection) is Calibrated and type(selection.selection) is KeepRandom):
        return _rule(np.arange(n_kept), pool=least)  # all sets of examples are alike
    if type(selection) is KeepWithProbability:
        return _by_chance(selection, n_kept, fraction=n_kept / pool)
    if isinstance(selection, KeepByRank) and _ranks_alone(selection):
        return _rule(selection.ranks(pool, n_kept), pool=pool, label_aware=selection.label_aware)
    if type(selection) is Calibrated and isinstance(inner := selection.selection, KeepByRank) and _ranks_alone(inner):
        by_lot = round(selection.random_share * n_kept)
        lottery = max(by_lot, round(selection.random_share * pool))
        ranks = lottery + inner.ranks(pool - lottery, n_kept - by_lot)
        aware = selection.label_aware
        return _rule(np.concatenate([np.arange(by_lot), ranks]), pool=pool, lottery=lottery, label_aware=aware)
    return None


def _innermost(selection: Selection) -> Selection:
    """The rule that a calibrated one mixes with chance."""
    return _innermost(selection.selection) if type(selection) is Calibrated else selection


def _ranks_alone(selection: KeepByRank) -> bool:
    """Whether its ``ranks`` say all: a class of one's own may have redefined the rest."""
    inherited = (type(selection).keep, type(selection).choose, type(selection).margin)
    return inherited == (KeepByRank.keep, Selection.choose, Selection.margin)


def _rule(
    ranks: np.ndarray,
    *,
    pool: int,
    lottery: int = 0,
    label_aware: bool | None = None,
    fields: np.ndarray = _ANY_FIELDS,
    chances: np.ndarray = _CERTAIN,
) -> PoolRule:
    padded = np.zeros(bucket(len(ranks)), np.int32)
    padded[: len(ranks)] = ranks
    return PoolRule(
        ranks=padded,
        n_kept=np.int32(len(ranks)),
        pool=np.int32(pool),
        lottery=np.int32(lottery),
        absolute=np.float64(label_aware is False),
        signed=np.float64(label_aware is True),
        fields=fields,
        chances=chances,
    )


def _by_chance(selection: KeepWithProbability, n_kept: int, *, fraction: float) -> PoolRule | None:
    """The first P that pass, of a pool that is all but never too small; None where a table misses the probability."""
    edges = np.asarray(selection.edges, dtype=float)
    fields = np.sort(np.concatenate([_TABLE_FIELDS, *(np.nextafter(s * edges, t) for s in (1, -1) for t in (-9, 9))]))
    chances = _chances(selection, fields)
    wide, middles = np.diff(fields) > _JUMP, 0.5 * (fields[1:] + fields[:-1])
    error = _chances(selection, middles) - 0.5 * (chances[:, 1:] + chances[:, :-1])
    if np.abs(error[:, wide]).max() > _TABLE_ERROR:
        return None
    spare = _SPARE_DEVIATIONS * math.sqrt(n_kept) + _SPARE_DEVIATIONS**2
    return _rule(np.arange(n_kept), pool=math.ceil((n_kept + spare) / fraction), fields=fields, chances=chances)


def _chances(selection: KeepWithProbability, fields: np.ndarray) -> np.ndarray:
    """q(z, −1) and q(z, +1), (2, K)."""
    labels = np.array([[-1.0], [1.0]]) * np.ones_like(fields)
    return np.stack([np.asarray(selection.probability(fields, label), dtype=float) for label in labels])
