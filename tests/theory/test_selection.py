"""Selection rules: kept distributions against sampling, finite pools against ranking, and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replica_theory import Calibrated, KeepBetween, KeepEasiest, KeepHardest, KeepRandom, KeepWithProbability

THETA = math.radians(25)


@pytest.fixture(scope="module")
def pool():
    rng = np.random.default_rng(3)
    teacher, across = rng.standard_normal((2, 400_000))
    return math.cos(THETA) * teacher + math.sin(THETA) * across, np.sign(teacher)


RULES = [
    KeepHardest(0.2),
    KeepHardest(0.2, label_aware=True),
    KeepHardest(0.05, label_aware=True),
    KeepEasiest(0.3),
    KeepEasiest(0.3, label_aware=True),
    KeepBetween(0.1, 0.45),
    KeepBetween(0.1, 0.45, label_aware=True),
    Calibrated(KeepHardest(0.2), 0.3),
    KeepRandom(0.4),
    KeepWithProbability(lambda z, y: ndtr_like(z * y)),
]


def ndtr_like(margin):
    return 1 / (1 + np.exp(2 * margin))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__ + str(getattr(rule, "label_aware", "")))
def test_distribution_on_an_infinite_pool_is_that_of_a_large_one(rule, pool):
    """Kept margins of 400 000 examples follow q(m)/f: same fraction, same share below each level."""
    z, y = pool
    kept = rule.kept_distribution(THETA)
    by_chance = isinstance(rule, KeepWithProbability)
    count = z.size if by_chance else round(kept.keep_fraction * z.size)
    chosen = rule.choose(z, y, count=count, rng=np.random.default_rng(0))
    assert len(chosen) / z.size == pytest.approx(kept.keep_fraction, abs=4 * math.sqrt(0.25 / z.size))
    probability = sum((z * y > p.lower) * (z * y < p.upper) * p(z * y) for p in kept.pieces)
    for level in (-0.5, 0.2, 1.0):
        below = np.mean((z * y)[chosen] < level) * len(chosen) / z.size
        assert below == pytest.approx(np.mean(probability * (z * y < level)), abs=4 * math.sqrt(0.5 / z.size))


@pytest.mark.parametrize("angle", [0.0, THETA], ids="{:.2f}".format)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__ + str(getattr(rule, "label_aware", "")))
def test_distribution_of_noisy_labels_is_that_of_a_large_pool(rule, angle):
    """One in five labels is flipped before the rule sees them: wrong margins are there even of a perfect probe."""
    rng = np.random.default_rng(5)
    teacher, across = rng.standard_normal((2, 400_000))
    z = math.cos(angle) * teacher + math.sin(angle) * across
    margin = z * np.sign(teacher) * np.where(rng.random(z.size) < 0.2, -1, 1)
    kept = rule.kept_distribution(angle, 0.2)
    probability = kept(margin)
    assert np.mean(probability) == pytest.approx(kept.keep_fraction, abs=4 * math.sqrt(0.25 / z.size))
    assert kept.label_noise == 0.2


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.data())
def test_ranked_rules_keep_the_extremes_and_break_ties_by_position(margins, data):
    margins = np.array(margins, dtype=float)
    count = data.draw(st.integers(0, margins.size))
    rng = np.random.default_rng(0)
    order = np.lexsort((np.arange(margins.size), margins))
    assert KeepHardest(0.5).keep(margins, count=count, rng=rng).tolist() == sorted(order[:count])
    assert KeepEasiest(0.5).keep(margins, count=count, rng=rng).tolist() == sorted(order[margins.size - count :])


def test_between_keeps_the_middle():
    kept = KeepBetween(0.2, 0.5).keep(np.arange(10.0), count=3, rng=np.random.default_rng(0))
    assert kept.tolist() == [2, 3, 4]


def test_calibrated_keeps_its_shares():
    rule = Calibrated(KeepHardest(0.2), 0.25)
    kept = rule.keep(np.arange(10_000.0), count=2000, rng=np.random.default_rng(1))
    assert kept.size == np.unique(kept).size == 2000
    # 1500 of the hardest by the rule, 500 at random, of which a fifth are among the hardest
    assert np.sum(kept < 2000) == pytest.approx(1600, abs=60)


def test_calibrated_chance_keeps_its_shares_when_chance_gives_fewer():
    rule = Calibrated(KeepWithProbability(lambda z, y: 0.2 * (z > 0), edges=(0.0,)), 0.5)
    rng = np.random.default_rng(2)
    z = rng.standard_normal(20_000)
    kept = rule.choose(z, np.ones_like(z), count=6000, rng=rng)  # the rule can give about 1000 of its 3000
    assert np.mean(z[kept] < 0) == pytest.approx(0.25, abs=0.03)  # half of the lottery's half


def test_thresholds_of_tiny_fractions_keep_their_digits():
    assert KeepHardest(1e-12).thresholds()[1] == pytest.approx(1e-12 * math.sqrt(math.pi / 2), rel=1e-12)
    lower, upper = KeepEasiest(1e-12).thresholds()
    assert upper == math.inf
    assert 2 * 0.5 * math.erfc(lower / math.sqrt(2)) == pytest.approx(1e-12, rel=1e-10)


def test_label_aware_rule_of_a_useless_probe_is_half_agnostic():
    assert KeepHardest(0.5, label_aware=True).thresholds(math.pi / 2)[1] == pytest.approx(0.0, abs=1e-12)


def test_label_dependent_probability_has_no_fraction_without_an_angle():
    rule = KeepWithProbability(lambda z, y: 1.0 * (z * y > 0), edges=(0.0,))
    with pytest.raises(ValueError, match="depends on the probe angle"):
        _ = rule.keep_fraction
    assert rule.kept_distribution(THETA).keep_fraction == pytest.approx(1 - THETA / math.pi, rel=1e-12)


RNG = np.random.default_rng(0)
THREE = np.ones(3)
REFUSALS = {
    "zero": (lambda: KeepHardest(0.0), r"`keep_fraction` must be in \(0, 1\]; got 0.0"),
    "above 1": (lambda: KeepHardest(1.5), r"`keep_fraction` must be in \(0, 1\]; got 1.5"),
    "nan": (lambda: KeepEasiest(math.nan), "`keep_fraction` must be in"),
    "negative": (lambda: KeepRandom(-0.1), "`keep_fraction` must be in"),
    "empty window": (lambda: KeepBetween(0.5, 0.5), "`lower` and `upper` must satisfy"),
    "negative window": (lambda: KeepBetween(-0.1, 0.5), "`lower` and `upper` must satisfy"),
    "share": (lambda: Calibrated(KeepHardest(0.5), 1.1), r"`random_share` must be in \[0, 1\]"),
    "probability": (lambda: KeepWithProbability(lambda z, y: 2 + 0 * z).keep_fraction, r"values in \[0, 1\]"),
    "nan margin": (
        lambda: KeepHardest(0.5).keep(np.array([1.0, np.nan]), count=1, rng=RNG),
        "`margin` must be 1-D and finite",
    ),
    "count": (lambda: KeepHardest(0.5).keep(THREE, count=4, rng=RNG), r"`count` must be in \[0, 3\]"),
    "margins alone": (
        lambda: KeepWithProbability(lambda z, y: z).keep(THREE, count=1, rng=RNG),
        "needs probe fields and labels",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
