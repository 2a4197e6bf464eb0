"""A rule of one's own, made of public pieces, runs wherever a built-in rule does and agrees with what it imitates."""

import doctest
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import expit, ndtri

from perceptron_pruning import simulate
from perceptron_pruning.embeddings import keep
from replica_theory import (
    Calibrated,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    KeptDistribution,
    Piece,
    Selection,
    TrainedProbe,
    Verified,
    empirical_risk,
    max_margin,
    version_space,
)
from replica_theory.selection import mean_keep_probability
from replica_theory.selection.jumps import jumps_and_corners

ANGLES = [0.0, 0.3, 1.5]


@dataclass(frozen=True)
class Nearest(Selection):
    """Imitates KeepHardest: the fraction f nearest to the probe's boundary."""

    keep_fraction: float

    def kept_distribution(self, probe_angle, label_noise=0.0):
        g = ndtri((1 + self.keep_fraction) / 2)
        return KeptDistribution(
            pieces=(Piece(lower=-g, upper=g),),
            keep_fraction=self.keep_fraction,
            probe_angle=probe_angle,
            label_noise=label_noise,
        )

    def keep(self, margin, *, count, rng):
        return np.sort(np.argsort(margin, kind="stable")[:count])


@dataclass(frozen=True)
class Trusting(Selection):
    """Imitates Verified: keeps right examples with one probability, wrong ones with another."""

    right: float
    wrong: float

    def kept_distribution(self, probe_angle, label_noise=0.0):
        wrong = (1 - 2 * label_noise) * probe_angle / math.pi + label_noise
        return KeptDistribution(
            pieces=(
                Piece(lower=-math.inf, upper=0.0, probability=self.wrong),
                Piece(lower=0.0, upper=math.inf, probability=self.right),
            ),
            keep_fraction=self.right * (1 - wrong) + self.wrong * wrong,
            probe_angle=probe_angle,
            label_noise=label_noise,
        )

    def keep(self, margin, *, count, rng):
        raise AssertionError("the theory has no pool to rank")


@dataclass(frozen=True)
class Soft(Selection):
    """Imitates KeepWithProbability: prefers hard examples, smoothly."""

    def kept_distribution(self, probe_angle, label_noise=0.0):
        probability = lambda m: expit(-2 * m)  # noqa: E731
        fraction = mean_keep_probability(probability, edges=(), probe_angle=probe_angle, label_noise=label_noise)
        return KeptDistribution(
            pieces=(Piece(lower=-math.inf, upper=math.inf, probability=probability),),
            keep_fraction=fraction,
            probe_angle=probe_angle,
            label_noise=label_noise,
        )

    def keep(self, margin, *, count, rng):
        raise AssertionError("the theory has no pool to rank")


PAIRS = {
    "nearest": (Nearest(0.4), KeepHardest(0.4)),
    "trusting": (Trusting(0.9, 0.2), Verified(KeepRandom(), 0.9, 0.2)),
    "soft": (Soft(), KeepWithProbability(lambda z, y: expit(-2 * z * y))),
}


@pytest.mark.parametrize("angle", ANGLES, ids="{} rad".format)
@pytest.mark.parametrize(("own", "built_in"), PAIRS.values(), ids=PAIRS)
def test_max_margin_students_are_those_of_the_rule_it_imitates(own, built_in, angle):
    mine, theirs = (max_margin([0.5, 3.0, 40.0], selection=rule, probe_angle=angle) for rule in (own, built_in))
    assert mine.generalization_error == pytest.approx(theirs.generalization_error, rel=1e-12)
    assert mine.margin == pytest.approx(theirs.margin, rel=1e-12)
    assert np.all(mine.residual < 1e-11)


@pytest.mark.parametrize("angle", ANGLES, ids="{} rad".format)
@pytest.mark.parametrize(("own", "built_in"), PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("loss", ["logistic", "hinge"], ids=str)
def test_minimisers_of_a_risk_are_those_of_the_rule_it_imitates(own, built_in, angle, loss):
    mine, theirs = (
        empirical_risk(2.0, loss=loss, ridge=0.1, selection=rule, probe_angle=angle, label_noise=0.1)
        for rule in (own, built_in)
    )
    assert mine.generalization_error == pytest.approx(theirs.generalization_error, rel=1e-10)


@pytest.mark.parametrize(("own", "built_in"), PAIRS.values(), ids=PAIRS)
def test_its_version_space_is_that_of_the_rule_it_imitates(own, built_in):
    mine, theirs = (version_space(2.0, selection=rule) for rule in (own, built_in))
    assert mine.entropy == pytest.approx(theirs.entropy, rel=1e-12)
    assert mine.information_gain == pytest.approx(theirs.information_gain, rel=1e-12)


@pytest.mark.parametrize(
    "of", [lambda rule: Calibrated(rule, 0.3), lambda rule: Verified(rule, 0.9, 0.2)], ids=["calibrated", "verified"]
)
def test_it_can_be_calibrated_and_verified(of):
    mine, theirs = (max_margin(2.0, selection=of(rule), probe_angle=0.3) for rule in (Nearest(0.4), KeepHardest(0.4)))
    assert mine.generalization_error == pytest.approx(theirs.generalization_error, rel=1e-12)


class Opposite(KeepHardest):
    """A built-in rule with another distribution."""

    def kept_distribution(self, probe_angle, label_noise=0.0):
        return KeepEasiest(self.keep_fraction).kept_distribution(probe_angle, label_noise)


def test_a_distribution_that_redefines_a_built_in_one_counts():
    mine, theirs = (
        max_margin(1.0, selection=Calibrated(rule, 0.3), probe_angle=0.3) for rule in (Opposite(0.4), KeepEasiest(0.4))
    )
    assert mine.generalization_error == theirs.generalization_error
    with pytest.raises(ValueError, match="`selection` must have a method kept_pieces to prune by a trained probe"):
        max_margin(1.0, selection=Opposite(0.4), probe=TrainedProbe())


def test_simulation_draws_the_same_students():
    mine, theirs = (
        simulate(1.5, selection=rule, probe_angle=0.3, n_features=40, n_trials=3, seed=4)
        for rule in (Nearest(0.4), KeepHardest(0.4))
    )
    assert np.array_equal(mine.generalization_error, theirs.generalization_error)


def test_embeddings_keep_the_same_rows():
    scores = np.random.default_rng(1).standard_normal(200)
    labels = np.repeat(["a", "b"], [150, 50])
    mine, theirs = (keep(scores, selection=rule, labels=labels) for rule in (Nearest(0.3), KeepHardest(0.3)))
    assert np.array_equal(mine, theirs)


def test_a_wrong_threshold_would_be_seen():
    right, wrong = (max_margin(2.0, selection=rule).generalization_error for rule in (KeepHardest(0.4), Nearest(0.402)))
    assert abs(wrong / right - 1) > 1e-4


@pytest.mark.parametrize("documented", [Selection, max_margin], ids=lambda documented: documented.__name__)
def test_examples_in_docstrings_print_what_they_say(documented):
    (examples,) = doctest.DocTestFinder(recurse=False).find(documented, globs={})
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0


WHOLE = Piece(lower=-math.inf, upper=math.inf)
KEPT = KeptDistribution(pieces=(WHOLE,), keep_fraction=1.0, probe_angle=0.2)
REFUSALS = {
    "empty piece": (lambda: Piece(lower=1.0, upper=1.0), "must satisfy lower < upper; got 1.0, 1.0"),
    "nan end": (lambda: Piece(lower=math.nan, upper=1.0), "must satisfy lower < upper; got nan, 1.0"),
    "text end": (lambda: Piece(lower="low", upper=1.0), "`lower` must be a number; got 'low'"),
    "large q": (lambda: Piece(lower=0.0, upper=1.0, probability=1.5), r"`probability` must be in \[0, 1\].*got 1.5"),
    "nan q": (lambda: Piece(lower=0.0, upper=1.0, probability=math.nan), r"`probability` must be in \[0, 1\].*got nan"),
    "large q(m)": (
        lambda: Piece(lower=0.0, upper=1.0, probability=lambda m: 2 * m),
        r"`probability` must return values in \[0, 1\]; got range \[0.0, 2.0\]",
    ),
    "scalar q(m)": (
        lambda: Piece(lower=0.0, upper=1.0, probability=lambda m: 0.5),
        r"`probability` must return one value per margin; got shape \(\)",
    ),
    "no pieces": (lambda: replace(KEPT, pieces=()), r"`pieces` must be a tuple of one Piece or more; got \(\)"),
    "not pieces": (lambda: replace(KEPT, pieces=((0, 1),)), "`pieces` must be a tuple of one Piece or more"),
    "overlap": (
        lambda: replace(KEPT, pieces=(Piece(lower=-1.0, upper=1.0), Piece(lower=0.5, upper=2.0))),
        "`pieces` must be ascending and disjoint",
    ),
    "infinite overlap": (lambda: replace(KEPT, pieces=(WHOLE, WHOLE)), "`pieces` must be ascending and disjoint"),
    "descending": (
        lambda: replace(KEPT, pieces=(Piece(lower=1.0, upper=2.0), Piece(lower=-1.0, upper=0.0))),
        "`pieces` must be ascending and disjoint",
    ),
    "no fraction": (lambda: replace(KEPT, keep_fraction=0.0), r"`keep_fraction` must be in \(0, 1\]; got 0.0"),
    "large fraction": (lambda: replace(KEPT, keep_fraction=1.1), r"`keep_fraction` must be in \(0, 1\]; got 1.1"),
    "degrees": (lambda: replace(KEPT, probe_angle=20.0), "convert degrees"),
    "noise": (lambda: replace(KEPT, label_noise=0.6), r"`label_noise` must be in \[0, 1/2\]"),
}


@pytest.mark.parametrize(("make", "message"), REFUSALS.values(), ids=REFUSALS)
def test_pieces_and_distributions_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_rounding_is_excused():
    bump = Piece(lower=-1.0, upper=1.0, probability=lambda m: 1 - m * m + 1e-13)
    assert bump(np.zeros(1)) == pytest.approx(1.0)
    assert replace(KEPT, keep_fraction=1 + 1e-15).keep_fraction == pytest.approx(1.0)


# ---------------------------------------------------------------- edges of one's own probability

FUNCTIONS = {
    "step": (lambda m: 1.0 * (m > 0.3337), [0.3337]),
    "steps": (lambda m: 0.5 * (m > -1.2) + 0.25 * (np.abs(m) < 0.7), [-1.2, -0.7, 0.7]),
    "small step": (lambda m: 0.5 + 1e-5 * (m > 1), [1.0]),
    "ramp": (lambda m: np.clip(0.3 + 0.2 * m, 0, 1), [-1.5, 3.5]),
    "peak": (lambda m: np.exp(-np.abs(m - 0.71)), [0.71]),
    "root": (lambda m: np.sqrt(np.clip(m, 0, 1)), [0.0, 1.0]),
    "smooth": (lambda m: np.exp(-(m**2) / 4), []),
    "wave": (lambda m: 0.5 + 0.5 * np.sin(3 * m), []),
    "soft step": (lambda m: expit(m / 0.05), []),
    "constant": (lambda m: np.full_like(m, 0.5), []),
}


@pytest.mark.parametrize(("function", "expected"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_jumps_and_corners_are_found(function, expected):
    assert jumps_and_corners(function) == pytest.approx(expected, abs=1e-5)


PROBABILITIES = {
    "step": (lambda z, y: 0.7 * (z * y > 0.3), (0.3,)),
    "window": (lambda z, y: 0.9 * (np.abs(z) < 1.1), (-1.1, 1.1)),
    "ramp": (lambda z, y: np.clip(0.4 * (z * y + 0.9), 0, 1), (-0.9, 1.6)),
    "tent": (lambda z, y: np.maximum(0, 1 - np.abs(z) / 2), (-2.0, 0.0, 2.0)),
}


@pytest.mark.parametrize("probe", [{"probe_angle": 0.3}, {"probe": TrainedProbe("hinge", 0.1)}], ids=["angle", "own"])
@pytest.mark.parametrize(("probability", "edges"), PROBABILITIES.values(), ids=PROBABILITIES)
def test_edges_need_not_be_given(probability, edges, probe):
    found, given = (
        max_margin(2.0, selection=KeepWithProbability(probability, edges=where), **probe) for where in ((), edges)
    )
    assert found.generalization_error == pytest.approx(given.generalization_error, rel=1e-10)
