"""Where keep-hard overtakes keep-easy and random keeping."""

import math

import pytest

from replica_theory import KeepEasiest, KeepHardest, KeepRandom, crossover, max_margin


@pytest.mark.parametrize(
    ("f", "rival", "alpha_total"),
    [(0.2, KeepEasiest, 10.3408), (0.4, KeepEasiest, 5.7554), (0.2, KeepRandom, 8.7994), (0.4, KeepRandom, 3.8822)],
    ids=["easy f=.2", "easy f=.4", "random f=.2", "random f=.4"],
)
def test_known_crossovers_of_a_perfect_probe(f, rival, alpha_total):
    assert crossover(KeepHardest(f), rival(f)) == pytest.approx(alpha_total, abs=6e-5)
    assert crossover(rival(f), KeepHardest(f)) == pytest.approx(alpha_total, abs=6e-5)


def test_errors_are_equal_there():
    rules = KeepHardest(0.3), KeepRandom(0.3)
    alpha = 0.3 * crossover(*rules, probe_angle=0.35)
    one, other = (max_margin(alpha, selection=rule, probe_angle=0.35).generalization_error for rule in rules)
    assert one == pytest.approx(other, rel=1e-9)


def test_rules_that_never_cross_and_fractions_that_differ():
    with pytest.raises(ValueError, match="must cross"):
        crossover(KeepRandom(0.5), KeepHardest(0.5), probe_angle=math.pi / 2)
    with pytest.raises(ValueError, match=r"must keep the same fraction; got 0\.2 and 0\.3"):
        crossover(KeepHardest(0.2), KeepEasiest(0.3))
