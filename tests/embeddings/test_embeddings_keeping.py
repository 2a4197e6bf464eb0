"""Which examples are kept: the class floor against brute force, and properties over the whole domain."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from perceptron_pruning.embeddings import keep
from perceptron_pruning.embeddings.keep import class_floors, margin_quantiles
from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    Selection,
    Verified,
)

fractions = st.floats(0.02, 1.0)
rules = st.one_of(
    fractions.map(KeepHardest),
    fractions.map(KeepEasiest),
    fractions.map(KeepRandom),
    st.tuples(st.floats(0, 0.5), st.floats(0.55, 1)).map(lambda ends: KeepBetween(*ends)),
    st.tuples(fractions, st.floats(0, 1)).map(lambda pair: Calibrated(KeepHardest(pair[0]), pair[1])),
    st.tuples(fractions, st.floats(0, 1)).map(lambda pair: Calibrated(KeepEasiest(pair[0]), pair[1])),
)


@st.composite
def pools(draw, max_size: int = 60):
    """Scores with ties, and labels of up to four classes."""
    n = draw(st.integers(1, max_size))
    scores = draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n))
    labels = draw(st.lists(st.sampled_from("abcd"), min_size=n, max_size=n))
    return np.array(scores, dtype=float), np.array(labels)


def naive_floors(labels: np.ndarray, keep_fraction: float, class_floor: float, total: int) -> dict[str, int]:
    """⌈class_floor f n_c⌉, or all rounded down where that is more than the total."""
    quota = {c: round(class_floor * keep_fraction * int((labels == c).sum()), 9) for c in np.unique(labels)}
    up = {c: int(np.ceil(q)) for c, q in quota.items()}
    return up if sum(up.values()) <= total else {c: int(np.floor(q)) for c, q in quota.items()}


@settings(max_examples=300, deadline=None)
@given(pool=pools(), rule=rules, class_floor=st.floats(0, 1), seed=st.integers(0, 99))
def test_total_order_and_floors_hold_for_every_rule(pool, rule, class_floor, seed):
    scores, labels = pool
    kept = keep(scores, selection=rule, labels=labels, class_floor=class_floor, seed=seed)
    total = max(1, round(rule.keep_fraction * scores.size))
    assert kept.size == total
    assert np.all(np.diff(kept) > 0)
    assert kept[0] >= 0
    assert kept[-1] < scores.size
    for label, floor in naive_floors(labels, rule.keep_fraction, class_floor, total).items():
        assert (labels[kept] == label).sum() >= floor
    np.testing.assert_array_equal(kept, keep(scores, selection=rule, labels=labels, class_floor=class_floor, seed=seed))


@settings(max_examples=200, deadline=None)
@given(pool=pools(), rule=rules, seed=st.integers(0, 99))
def test_no_floor_is_the_plain_rule(pool, rule, seed):
    scores, labels = pool
    scores = scores + 1e-3 * np.arange(scores.size) / scores.size  # all different
    assume(np.unique(scores).size == scores.size)
    total = max(1, round(rule.keep_fraction * scores.size))
    plain = rule.keep(-scores, count=total, rng=np.random.default_rng(seed))
    np.testing.assert_array_equal(keep(scores, selection=rule, seed=seed), plain)
    np.testing.assert_array_equal(keep(scores, selection=rule, labels=labels, class_floor=0.0, seed=seed), plain)


@settings(max_examples=200, deadline=None)
@given(pool=pools(), rule=rules, class_floor=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_floor_that_does_not_bind_changes_nothing(pool, rule, class_floor, seed):
    scores, labels = pool
    plain = keep(scores, selection=rule, seed=seed)
    floors = naive_floors(labels, rule.keep_fraction, class_floor, plain.size)
    assume(all((labels[plain] == label).sum() >= floor for label, floor in floors.items()))
    np.testing.assert_array_equal(
        keep(scores, selection=rule, labels=labels, class_floor=class_floor, seed=seed), plain
    )


@settings(max_examples=150, deadline=None)
@given(
    labels=st.lists(st.sampled_from("abc"), min_size=2, max_size=9),
    keep_fraction=fractions,
    class_floor=st.floats(0, 1),
    hardest=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_floored_ranking_is_the_best_subset_by_brute_force(labels, keep_fraction, class_floor, hardest, seed):
    """Of all subsets that meet total and floors, the one with the largest (smallest) sum of scores."""
    scores, labels = np.random.default_rng(seed).normal(size=len(labels)), np.array(labels)
    sign, rule = (1, KeepHardest(keep_fraction)) if hardest else (-1, KeepEasiest(keep_fraction))
    total = max(1, round(keep_fraction * scores.size))
    floors = naive_floors(labels, keep_fraction, class_floor, total)
    feasible = [
        subset
        for subset in combinations(range(scores.size), total)
        if all((labels[list(subset)] == label).sum() >= floor for label, floor in floors.items())
    ]
    best = max(feasible, key=lambda subset: sign * scores[list(subset)].sum())
    assert tuple(keep(scores, selection=rule, labels=labels, class_floor=class_floor)) == best


def test_floor_by_hand():
    """Twelve of class a score above all eight of b: half of ten would be a alone, b's floor is two."""
    scores, labels = np.arange(20, 0, -1), np.array(["a"] * 12 + ["b"] * 8)
    np.testing.assert_array_equal(keep(scores, keep_fraction=0.5), np.arange(10))
    np.testing.assert_array_equal(keep(scores, keep_fraction=0.5, labels=labels), [*range(8), 12, 13])


def test_a_full_floor_gives_proportional_quotas():
    labels = np.repeat([3, 5, 9], [10, 20, 30])
    kept = keep(np.arange(60), keep_fraction=0.3, labels=labels, class_floor=1.0)
    assert [(labels[kept] == c).sum() for c in (3, 5, 9)] == [3, 6, 9]


@settings(max_examples=200, deadline=None)
@given(pool=pools(), keep_fraction=fractions)
def test_a_full_floor_is_feasible_and_within_its_rounding(pool, keep_fraction):
    scores, labels = pool
    kept = keep(scores, keep_fraction=keep_fraction, labels=labels, class_floor=1.0)
    for label in np.unique(labels):
        quota = keep_fraction * (labels == label).sum()
        assert (labels[kept] == label).sum() > quota - 1 - 1e-9


@pytest.mark.parametrize(
    ("sizes", "share", "count", "floors"),
    [
        ([10, 20], 0.25, 15, [3, 5]),
        ([10, 10, 10], 0.25, 8, [2, 2, 2]),
        ([100], 0.7 * 0.1, 7, [7]),
        ([5, 5], 0.0, 1, [0, 0]),
    ],
    ids=["rounded up", "rounded down when up is too many", "no rounding noise", "none"],
)
def test_class_floors_by_hand(sizes, share, count, floors):
    assert class_floors(np.array(sizes), share, count).tolist() == floors


def test_ties_are_broken_by_a_draw_and_not_by_position():
    scores = np.repeat([2.0, 1.0, 0.0], [10, 200, 10])
    kept = keep(scores, keep_fraction=0.5)
    assert set(range(10)) < set(kept)
    tied = kept[10:]
    assert tied.max() < 210
    assert abs(tied.mean() - 109.5) < 4 * 200 / np.sqrt(12 * 100)  # not the first hundred, whose mean is 59.5
    np.testing.assert_array_equal(kept, keep(scores, keep_fraction=0.5))
    assert set(kept) != set(keep(scores, keep_fraction=0.5, seed=1))


def test_a_file_sorted_by_class_keeps_what_a_shuffled_one_keeps():
    """A metric of few values: shares of the classes are those of chance, whatever the order of the rows."""
    scores, labels = np.zeros(400), np.repeat([0, 1], 200)
    kept = keep(scores, keep_fraction=0.5, labels=labels, class_floor=0.0)
    assert 70 < (labels[kept] == 0).sum() < 130


def test_high_scores_are_kept_and_at_least_one():
    np.testing.assert_array_equal(keep([0.1, 5.0, -3.0, 2.0], keep_fraction=0.5), [1, 3])
    np.testing.assert_array_equal(keep([0.1, 5.0, -3.0, 2.0], keep_fraction=0.01), [1])
    np.testing.assert_array_equal(keep([0.1, 5.0, -3.0, 2.0], selection=KeepEasiest(0.25)), [2])


def test_label_aware_plays_no_part():
    scores = np.random.default_rng(0).normal(size=50)
    for rule in (KeepHardest, KeepEasiest):
        aware, plain = (keep(scores, selection=rule(0.3, label_aware=flag)) for flag in (True, False))
        np.testing.assert_array_equal(aware, plain)


def test_a_floor_leaves_chance_fair():
    """Under random keeping each member of a class that falls short is kept equally often."""
    labels = np.array([0] * 36 + [1] * 4)
    runs = 1500
    counts = np.zeros(40)
    for seed in range(runs):
        counts[keep(np.arange(40.0), selection=KeepRandom(0.25), labels=labels, class_floor=1.0, seed=seed)] += 1
    for group in (counts[:36], counts[36:]):
        share = group.mean() / runs
        assert np.abs(group / runs - share).max() < 4 * np.sqrt(share * (1 - share) / runs)
    assert counts[36:].sum() / runs >= 1.0


def test_the_floor_holds_under_a_rule_of_ones_own():
    class KeepFirst(Selection):
        keep_fraction = 0.5

        def kept_distribution(self, probe_angle):
            return KeepRandom(0.5).kept_distribution(probe_angle)

        def keep(self, margin, *, count, rng):
            return np.arange(count)

    np.testing.assert_array_equal(keep(SCORES, selection=KeepFirst()), [0, 1, 2])
    np.testing.assert_array_equal(keep(SCORES, selection=KeepFirst(), labels=LABELS), [0, 1, 3])


# rules made of a probability q(z, y)

THRESHOLD = 0.8
CONFIDENT = KeepWithProbability(lambda z, y: (np.abs(z) > THRESHOLD) * 1.0, edges=(-THRESHOLD, THRESHOLD))
SOFT = KeepWithProbability(lambda z, y: np.exp(-(z**2)))
WRONG_FIRST = KeepWithProbability(lambda z, y: 1 / (1 + np.exp(2 * z * y)))


def gaussian_pool(n: int, probe_angle: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probe fields z and the teacher's labels y = ±1 of n Gaussian inputs, (n,) each."""
    across, along = np.random.default_rng(seed).normal(size=(2, n))
    return along, np.where(along * np.cos(probe_angle) + across * np.sin(probe_angle) > 0, 1.0, -1.0)


@pytest.mark.parametrize("keep_fraction", [0.1, 0.35, 0.5, 0.9], ids=lambda f: f"f = {f}")
def test_an_interval_of_fields_keeps_what_the_ranked_rule_keeps(keep_fraction):
    scores = np.random.default_rng(1).exponential(size=1000)
    edge = norm.ppf((1 + keep_fraction) / 2)
    hardest = KeepWithProbability(lambda z, y: (np.abs(z) < edge) * 1.0, edges=(-edge, edge))
    easiest = KeepWithProbability(lambda z, y: (np.abs(z) > edge) * 1.0, edges=(-edge, edge))
    np.testing.assert_array_equal(keep(scores, selection=hardest), keep(scores, keep_fraction=keep_fraction))
    np.testing.assert_array_equal(
        keep(scores, selection=easiest), keep(scores, selection=KeepEasiest(1 - keep_fraction))
    )


def test_a_signed_interval_keeps_what_the_label_aware_rule_keeps():
    scores, angle, rule = np.random.default_rng(2).normal(size=1001), 0.4, KeepHardest(0.3, label_aware=True)
    _, edge = rule.thresholds(angle)
    own = KeepWithProbability(lambda z, y: (z * y < edge) * 1.0, edges=(edge,))
    kept = keep(scores, selection=own, probe_angle=angle)
    assert np.setxor1d(kept, keep(scores, selection=rule)).size <= 1


@pytest.mark.parametrize(
    ("rule", "probe_angle"),
    [
        (SOFT, 0.0),
        (CONFIDENT, 0.0),
        (SOFT, 0.5),
        (WRONG_FIRST, 0.5),
        (WRONG_FIRST, 1.2),
        (Calibrated(SOFT, 0.4), 0.0),
        (Verified(KeepHardest(0.5), 0.9, 0.2), 0.5),
    ],
    ids=["soft", "confident", "soft at an angle", "wrong first", "wrong first, wide angle", "calibrated", "verified"],
)
def test_the_fraction_is_that_of_the_theory_within_binomial_error(rule, probe_angle):
    n, seeds = 2000, 20
    expected = rule.kept_distribution(probe_angle).keep_fraction
    scores = np.random.default_rng(3).normal(size=n)
    kept = [keep(scores, selection=rule, probe_angle=probe_angle, seed=seed).size / n for seed in range(seeds)]
    assert np.mean(kept) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / (n * seeds)))
    assert np.std(kept) <= 1.5 * np.sqrt(expected * (1 - expected) / n)


def test_wrong_theory_of_the_fraction_is_told_apart():
    n, seeds, scores = 2000, 20, np.random.default_rng(3).normal(size=2000)
    kept = np.mean([keep(scores, selection=WRONG_FIRST, probe_angle=0.5, seed=seed).size / n for seed in range(seeds)])
    wrong = WRONG_FIRST.kept_distribution(0.3).keep_fraction
    assert abs(kept - wrong) > 4 * np.sqrt(wrong * (1 - wrong) / (n * seeds))


@pytest.mark.parametrize("probe_angle", [0.2, 0.5, 1.2], ids=lambda angle: f"angle {angle}")
def test_rows_of_a_gaussian_pool_are_kept_as_by_their_own_fields(probe_angle):
    """Margins found by rank are those of the pool: how often each decile is kept is what q(z, y) says."""
    n, runs = 20_000, 30
    field, label = gaussian_pool(n, probe_angle)
    chance = WRONG_FIRST.probability(field, label)
    counts = np.zeros(n)
    for seed in range(runs):
        counts[keep(-field * label, selection=WRONG_FIRST, probe_angle=probe_angle, seed=seed)] += 1
    order = np.argsort(field * label)
    for decile in np.array_split(order, 10):
        # the pool's own margins leave the quantiles by about 1/√n
        assert counts[decile].mean() / runs == pytest.approx(chance[decile].mean(), abs=0.01)
    assert chance[order[: n // 10]].mean() > chance[order[-n // 10 :]].mean() + 0.4


@pytest.mark.parametrize("probe_angle", [0.1, 0.7, np.pi / 2], ids=["narrow", "wide", "right angle"])
def test_margin_quantiles_are_those_of_the_label_aware_rules(probe_angle):
    quantiles = margin_quantiles(200, probe_angle)
    for place in (1, 20, 100, 180, 198):
        share = (place + 0.5) / 200
        _, expected = KeepHardest(share, label_aware=True).thresholds(probe_angle)
        assert quantiles[place] == pytest.approx(expected, abs=1e-4)
    assert np.mean(margin_quantiles(10_000, probe_angle) < 0) == pytest.approx(probe_angle / np.pi, abs=1e-4)


def test_floors_hold_under_a_probability():
    scores, labels = np.arange(400.0), np.repeat(["a", "b"], 200)
    for seed in range(10):
        plain = keep(scores, selection=SOFT, seed=seed)
        kept = keep(scores, selection=SOFT, labels=labels, class_floor=0.9, seed=seed)
        assert kept.size == plain.size
        for label in "ab":
            assert (labels[kept] == label).sum() >= np.floor(0.9 * kept.size / 2)
    assert (labels[plain] == "a").sum() < 0.9 * plain.size / 2


def test_a_probability_draws_by_its_seed_and_keeps_one_at_least():
    scores = np.random.default_rng(4).normal(size=300)
    first, again, other = (keep(scores, selection=SOFT, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    rare = KeepWithProbability(lambda z, y: np.full_like(z, 1e-9))
    assert keep(scores, selection=rare).size == 1


SCORES, LABELS = np.arange(6.0), np.array([0, 0, 0, 1, 1, 1])
FAIR = KeepWithProbability(lambda z, y: np.full_like(z, 0.5))
TWICE = KeepWithProbability(lambda z, y: np.full_like(z, 2.0))


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        (SCORES, {"keep_fraction": 0.0}, r"`keep_fraction` must be in \(0, 1\]; got 0"),
        (SCORES, {"keep_fraction": 1.5}, r"`keep_fraction` must be in \(0, 1\]; got 1.5"),
        (SCORES, {"keep_fraction": 0.5, "class_floor": 1.1}, r"`class_floor` must be in \[0, 1\]; got 1.1"),
        (SCORES, {"keep_fraction": 0.5, "class_floor": -0.1}, r"`class_floor` must be in \[0, 1\]; got -0.1"),
        (SCORES, {}, "exactly one of `keep_fraction` and `selection`"),
        (SCORES, {"keep_fraction": 0.5, "selection": KeepRandom(0.5)}, "exactly one of `keep_fraction` and"),
        (SCORES, {"selection": TWICE}, r"`probability` must return values in \[0, 1\]"),
        (SCORES, {"selection": FAIR, "probe_angle": 2.0}, r"`probe_angle` must be in \[0, π/2\] radians; got 2.0"),
        (SCORES, {"selection": 0.5}, "`selection` must be a rule such as"),
        (SCORES[None], {"keep_fraction": 0.5}, r"`scores` must be 1-D and not empty; got shape \(1, 6\)"),
        ([], {"keep_fraction": 0.5}, r"`scores` must be 1-D and not empty; got shape \(0,\)"),
        ([1.0, np.nan], {"keep_fraction": 0.5}, "`scores` must be finite; entry 1 is nan"),
        (SCORES, {"keep_fraction": 0.5, "labels": LABELS[:5]}, r"one per row, shape \(6,\); got \(5,\)"),
        (SCORES, {"keep_fraction": 0.5, "class_floor": None}, "`class_floor` must be a number; got None"),
        (SCORES, {"keep_fraction": 0.5, "seed": None}, "`seed` must be an integer, at least 0; got None"),
        (SCORES, {"keep_fraction": 0.5, "seed": 1.5}, "`seed` must be an integer, at least 0; got 1.5"),
        (["high", "low"], {"keep_fraction": 0.5}, "`scores` must be real numbers: they are <U4"),
        (SCORES + 1j, {"keep_fraction": 0.5}, "`scores` must be real numbers: they are complex128"),
        (SCORES.astype("M8[s]"), {"keep_fraction": 0.5}, "`scores` must be real numbers: they are datetime64"),
        ([10**400, 0], {"keep_fraction": 0.5}, "`scores` must be real numbers: int too large"),
        (np.ma.masked_greater(SCORES, 3), {"keep_fraction": 0.5}, "`scores` must be finite; got masked entries"),
    ],
    ids=[
        "fraction 0", "fraction over 1", "floor over 1", "floor below 0", "no rule", "two rules",
        "probability over 1", "angle", "no selection", "2-D", "empty", "nan", "label length",
        "no floor", "no seed", "half a seed", "words", "complex", "dates", "beyond floats", "masked",
    ],
)  # fmt: skip
def test_refusals(scores, options, message):
    with pytest.raises(ValueError, match=message):
        keep(scores, **options)
