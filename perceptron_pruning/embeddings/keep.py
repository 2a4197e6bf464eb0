"""Kept examples, given their scores: the selection rules of the theory, with a floor per class.

A rule that ranks examples (`KeepHardest`, …, or a `Selection` of one's own) is given the margin −score. A rule made of
a probability q(z, y) of the theory's Gaussian fields (`KeepWithProbability`, `Verified`, and `Calibrated` of them) is
carried over by rank. With u_i the rank of example i among n, hardest first, and F the distribution function of the
margin on an infinite Gaussian pool::

    u_i = (rank_i + ½)/n,   m_i = F⁻¹(u_i),   F(m) = Φ(m) − 2 T(m, cot θ)                                      (K1)
    kept where U_i < q(m_i),   q(m) = ½ [q(m, +1) + q(−m, −1)],   U_i uniform in [0, 1)                        (K2)

T is Owen's function. At θ = 0 the margin is |z|, F(m) = 2 Φ(m) − 1: the score is taken as a difficulty that does not
tell right from wrong. The mean of q(m_i) is the rule's fraction f = E q, up to O(1/n).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfinv

from perceptron_pruning.embeddings.io.labels import checked_classes
from perceptron_pruning.embeddings.runtime.settings import check_seed
from replica_theory.errors import check_keep_fraction, check_number, check_probe_angle
from replica_theory.selection import Calibrated, KeepHardest, KeepWithProbability, Selection, Verified, check_selection
from replica_theory.selection.ranked import signed_margin_rank

MARGIN_GRID = np.linspace(-9.0, 9.0, 3601)  # on which F is inverted by interpolation: F(−9) < 1e-18

TIE_STREAM = 1  # of random numbers, besides that of the rules


def keep(
    scores: ArrayLike,
    *,
    keep_fraction: float | None = None,
    labels: ArrayLike | None = None,
    class_floor: float = 0.5,
    selection: Selection | None = None,
    probe_angle: float = 0.0,
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

    A rule made of a probability q(z, y) keeps each example with the probability that it has at the same
    rank of the theory's margin, equations (K1) and (K2) of this module; the number kept is then random
    with mean f n, and f in the floors is the share that was drawn.

    Args:
        scores: (n,), finite; high = hard. Equal scores are ranked by a draw, never by their position in the file.
        keep_fraction: f in (0, 1]: keep the highest scores. Give this or ``selection``.
        labels: (n,), any values that can be sorted; None means no floor.
        class_floor: Share of the quota that a class is sure of, in [0, 1]; 0 is the plain rule.
        selection: Any rule of `replica_theory`, or one's own. A rule that ranks sees margin = −score, so its
            ``label_aware`` plays no part: the score has decided already what is hard.
        probe_angle: θ in [0, π/2] of equation (K1), for rules made of a probability alone. With θ > 0 the score is
            taken as a label-aware margin, negative (the probe is wrong) for the hardest share θ/π.
        seed: Of the order of equal scores, and of rules with chance in them.

    Returns:
        Indices, ascending.

    Raises:
        ValueError: A parameter is out of range, the arrays do not match, or not exactly one of
            ``keep_fraction`` and ``selection`` is given.

    References:
        Sorscher et al. 2022, arXiv:2206.14486 (class_floor = 1/2).

    Example:
        >>> from perceptron_pruning.embeddings import keep
        >>> keep([0.1, 5.0, -3.0, 2.0], keep_fraction=0.5)
        array([1, 3])
    """
    rule = _one_rule(keep_fraction, selection)
    margin = -_checked_scores(scores)
    check_class_floor(class_floor)
    check_seed(seed)
    classes = None if labels is None else checked_classes(labels, margin.size)
    return kept_rows(rule, margin, classes, class_floor=class_floor, probe_angle=probe_angle, seed=seed)


def check_class_floor(class_floor: float) -> float:
    """Returns the share, or raises unless it is in [0, 1]."""
    if not 0.0 <= check_number(class_floor, "class_floor") <= 1.0:
        raise ValueError(f"`class_floor` must be in [0, 1]; got {class_floor}")
    return float(class_floor)


def kept_rows(
    rule: Selection,
    margin: np.ndarray,
    classes: np.ndarray | None,
    *,
    class_floor: float,
    probe_angle: float = 0.0,
    seed: int,
) -> np.ndarray:
    """What `keep` keeps, of margins (n,) and classes 0..C−1 that are known to be good."""
    rng = np.random.default_rng(seed)
    if _is_made_of_probability(rule):
        rule, margin = _as_ranking(rule, margin, check_probe_angle(probe_angle), rng)
    count = max(1, round(rule.keep_fraction * margin.size))
    order = _order_of_ties(margin, seed)
    if order is not None:
        margin, classes = margin[order], None if classes is None else classes[order]
    if classes is None:
        kept = rule.keep(margin, count=count, rng=rng)
    else:
        floors = class_floors(np.bincount(classes), class_floor * rule.keep_fraction, count)
        kept = _keep_with_floors(rule, margin, classes, floors, count, rng)
    return np.sort(kept if order is None else order[kept])


def _order_of_ties(margin: np.ndarray, seed: int) -> np.ndarray | None:
    """A random order of the rows if some margins are equal, for rules that rank equal ones by position; or None."""
    ranked = np.sort(margin)
    if (ranked[1:] > ranked[:-1]).all():
        return None
    return np.random.default_rng([seed, TIE_STREAM]).permutation(margin.size)


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
        is_short = np.zeros(floors.size, bool)
        is_short[short] = True
        rest = rest[~is_short[classes[rest]]]


def margin_quantiles(n_rows: int, probe_angle: float) -> np.ndarray:
    """m = F⁻¹(u) at u = ½/n, 1½/n, … of equation (K1): margins of n examples of a Gaussian pool, ascending, (n,).

    Args:
        n_rows: n.
        probe_angle: θ, radians; 0 gives √2 erf⁻¹(u), the quantiles of |z|.
    """
    ranks = (np.arange(n_rows) + 0.5) / n_rows
    if probe_angle == 0:
        return np.sqrt(2) * erfinv(ranks)
    distribution = np.maximum.accumulate(signed_margin_rank(MARGIN_GRID, probe_angle))
    return np.interp(ranks, distribution, MARGIN_GRID)


def _is_made_of_probability(rule: Selection) -> bool:
    """Whether the rule keeps by a probability q(z, y) and cannot rank margins."""
    while isinstance(rule, Calibrated):
        rule = rule.selection
    return isinstance(rule, KeepWithProbability | Verified)


def _as_ranking(
    rule: Selection, margin: np.ndarray, probe_angle: float, rng: np.random.Generator
) -> tuple[Selection, np.ndarray]:
    """Equation (K2) as a ranking: keep the smallest U_i/q(m_i), those below 1 (sequential Poisson sampling).

    Returns:
        The ranking rule, whose fraction is the share that was drawn, and the margins U_i/q_i that it ranks, (n,).
    """
    quantiles = np.empty(margin.size)
    quantiles[np.argsort(margin, kind="stable")] = margin_quantiles(margin.size, probe_angle)
    probability = rule.kept_distribution(probe_angle)(quantiles)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(probability > 0, rng.random(margin.size) / probability, np.finfo(float).max)
    drawn = max(1, int(np.sum(ratios < 1)))
    return KeepHardest(drawn / margin.size), ratios


def _one_rule(keep_fraction: float | None, selection: Selection | None) -> Selection:
    if selection is not None and keep_fraction is None:
        return check_selection(selection)
    if selection is None and keep_fraction is not None:
        return KeepHardest(check_keep_fraction(keep_fraction))
    raise ValueError(
        "exactly one of `keep_fraction` and `selection` must be given; "
        f"got keep_fraction={keep_fraction}, selection={selection}"
    )


def _checked_scores(scores: ArrayLike) -> np.ndarray:
    values = _real_numbers(scores)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"`scores` must be 1-D and not empty; got shape {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(f"`scores` must be finite; entry {bad[0]} is {values[bad[0]]}")
    return values


def _real_numbers(scores: ArrayLike) -> np.ndarray:
    """As float64; a `ValueError` where that would hide a masked entry or drop an imaginary part."""
    if np.ma.is_masked(scores):
        raise ValueError("`scores` must be finite; got masked entries")
    try:
        if (kind := np.asarray(scores).dtype).kind in "cMmSU":
            raise TypeError(f"they are {kind}")
        return np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"`scores` must be real numbers: {error}") from None
