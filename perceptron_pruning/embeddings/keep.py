"""Which examples are kept, given their scores: the selection rules of the theory, with a floor per class."""

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.io.labels import checked_classes
from replica_theory.errors import check_keep_fraction
from replica_theory.selection import KeepHardest, Selection


def keep(
    scores: ArrayLike,
    *,
    keep_fraction: float | None = None,
    labels: ArrayLike | None = None,
    class_floor: float = 0.5,
    selection: Selection | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Indices of the kept examples: round(f n) of them, one at least, in ascending order.

    With labels no class c of n_c examples falls below its floor, a share of its proportional
    quota f n_c::

        kept_c ≥ ⌈class_floor f n_c⌉

    rounded down for all classes where rounding up asks for more than the total. The rule is first
    applied to the whole pool. Each class that it leaves below its floor is then pruned on
    its own, by the same rule, to exactly its floor; the rest of the pool shares what is left
    of the total, again by the rule, until no class falls short. For a ranking this swaps the
    best excluded examples of the classes below their floor for the worst kept ones of the others;
    for a rule with chance in it, it says what the floor means.

    Args:
        scores: (n,), finite; high = hard. Equal scores are ranked by their position.
        keep_fraction: f in (0, 1]: keep the highest scores. Give this or ``selection``.
        labels: (n,), any values that can be sorted; None means no floor.
        class_floor: Share of the quota that a class is sure of, in [0, 1]; 0 is the plain rule.
        selection: Any rule of `replica_theory` that ranks. It sees margin = −score, so its
            ``label_aware`` plays no part: the score has decided already what is hard.
        seed: Of rules with chance in them.

    Raises:
        ValueError: A parameter is out of range, the arrays do not match, not exactly one of
            ``keep_fraction`` and ``selection`` is given, or the rule does not rank
            (`KeepWithProbability`).

    References:
        Sorscher et al. 2022, arXiv:2206.14486 (class_floor = 1/2).
    """
    rule = _one_rule(keep_fraction, selection)
    margin = -_checked_scores(scores)
    if not 0.0 <= class_floor <= 1.0:
        raise ValueError(f"`class_floor` must be in [0, 1]; got {class_floor}")
    count = max(1, round(rule.keep_fraction * margin.size))
    rng = np.random.default_rng(seed)
    if labels is None:
        return rule.keep(margin, count=count, rng=rng)
    classes = checked_classes(labels, margin.size)
    floors = class_floors(np.bincount(classes), class_floor * rule.keep_fraction, count)
    return _keep_with_floors(rule, margin, classes, floors, count, rng)


def class_floors(class_sizes: np.ndarray, share: float, count: int) -> np.ndarray:
    """⌈share n_c⌉ for every class, or ⌊share n_c⌋ if their sum exceeds ``count``, shape (C,)."""
    # A product such as 0.7 · 0.1 · 100 may miss its integer in the last digit, either way.
    quotas = np.round(share * class_sizes, 9)
    floors = np.ceil(quotas).astype(int)
    return floors if floors.sum() <= count else np.floor(quotas).astype(int)


def _keep_with_floors(
    rule: Selection,
    margin: np.ndarray,
    classes: np.ndarray,
    floors: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """The rule on the whole pool, then on every class left short and on the rest apart."""
    kept, rest = np.array([], dtype=int), np.arange(margin.size)
    while True:
        chosen = rest[rule.keep(margin[rest], count=count - kept.size, rng=rng)]
        kept_per_class = np.bincount(classes[np.concatenate([kept, chosen])], minlength=floors.size)
        short = np.flatnonzero(kept_per_class < floors)
        if not short.size:
            return np.sort(np.concatenate([kept, chosen]))
        for label in short:
            members = np.flatnonzero(classes == label)
            topped_up = members[rule.keep(margin[members], count=floors[label], rng=rng)]
            kept = np.concatenate([kept, topped_up])
        rest = rest[~np.isin(classes[rest], short)]


def _one_rule(keep_fraction: float | None, selection: Selection | None) -> Selection:
    if selection is not None and keep_fraction is None:
        return selection
    if selection is None and keep_fraction is not None:
        return KeepHardest(check_keep_fraction(keep_fraction))
    raise ValueError(
        "exactly one of `keep_fraction` and `selection` must be given; "
        f"got keep_fraction={keep_fraction}, selection={selection}"
    )


def _checked_scores(scores: ArrayLike) -> np.ndarray:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"`scores` must be 1-D and not empty; got shape {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(f"`scores` must be finite; entry {bad[0]} is {values[bad[0]]}")
    return values
