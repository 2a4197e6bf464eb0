"""The pruning curves on real embeddings: the protocol, the arithmetic, and what the data say."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from perceptron_pruning.embeddings import (
    FULL,
    QUICK,
    CurvePoint,
    CurveSettings,
    fit_softmax,
    keep,
    load_fashion_mnist,
    pruning_curves,
    score,
    summarise,
)
from perceptron_pruning.embeddings.experiment import contrast, selection_name
from replica_theory import Calibrated, KeepBetween, KeepHardest, KeepRandom

SMALL = CurveSettings(pool_sizes=(300, 150), selections=contrast(0.5), seeds=(0, 1, 2))


@pytest.fixture(scope="module")
def data():
    return load_fashion_mnist()


@pytest.fixture(scope="module")
def points(data):
    """Scarce and abundant pools at three fractions."""
    scarce = replace(FULL, pool_sizes=(100,))
    return [*pruning_curves(data, scarce), *pruning_curves(data, replace(FULL, pool_sizes=(3200,), seeds=range(5)))]


def z_score(points, *, pool_size: int, kept: int, rule: str, baseline: str = "KeepRandom") -> float:
    found = [
        s for s in summarise(points, baseline=baseline)
        if (s.pool_size, s.kept, s.selection) == (pool_size, kept, rule)
    ]  # fmt: skip
    return found[0].difference / found[0].difference_se


def test_points_come_one_at_a_time_smallest_pools_first(data):
    found = list(pruning_curves(data, SMALL))
    assert len(found) == SMALL.n_points == 18
    assert [p.pool_size for p in found] == [150] * 9 + [300] * 9
    assert list(islice(pruning_curves(data, SMALL), 4)) == found[:4]
    assert {p.kept for p in found} == {75, 150}


def test_a_point_is_the_recipe_written_out(data):
    point = next(pruning_curves(data, replace(SMALL, selections=(KeepHardest(0.4),), seeds=(7,), pool_sizes=(250,))))
    pool = np.random.default_rng([7, 250]).choice(15_000, 250, replace=False)
    mean = data.train_embeddings[pool].mean(axis=0)
    scale = np.sqrt(((data.train_embeddings[pool] - mean) ** 2).mean())
    rows, labels = (data.train_embeddings[pool] - mean) / scale, data.train_labels[pool]
    kept = keep(score(rows, labels, metrics="margin")["margin"], keep_fraction=0.4, labels=labels)
    head = fit_softmax(rows[kept], labels[kept], n_classes=10, ridge=SMALL.ridge)
    logits = (data.test_embeddings - mean) / scale @ head.weights + head.bias
    wrong = logits.argmax(axis=1) != data.test_labels
    assert (point.kept, point.keep_fraction, point.seed, point.selection) == (100, 0.4, 7, "KeepHardest")
    assert point.test_error == pytest.approx(wrong.mean(), abs=1e-12)


def test_keeping_everything_is_the_same_for_every_rule(data):
    settings = replace(SMALL, pool_sizes=(200,), selections=contrast(1.0), seeds=(0,))
    assert len({p.test_error for p in pruning_curves(data, settings)}) == 1


def test_summary_by_hand():
    errors = {"KeepRandom": [0.30, 0.34, 0.26], "KeepHardest": [0.25, 0.31, 0.19]}
    points = [
        CurvePoint(
            metric="margin", pool_size=10, kept=5, selection=rule, keep_fraction=0.5, seed=seed, test_error=error
        )
        for rule, values in errors.items()
        for seed, error in enumerate(values)
    ]
    hard = summarise(points)[1]
    assert (hard.selection, hard.n_seeds) == ("KeepHardest", 3)
    assert hard.test_error == pytest.approx(0.25)
    assert hard.test_error_se == pytest.approx(0.06 / np.sqrt(3))
    assert hard.difference == pytest.approx(-0.05)
    assert hard.difference_se == pytest.approx(0.02 / np.sqrt(3))
    assert [s.n_seeds for s in summarise(points[:5])] == [3, 2]
    assert [s.selection for s in summarise(points[:4])] == ["KeepRandom"]
    with pytest.raises(ValueError, match=r"must include the baseline KeepEasiest; got \['KeepHardest', 'KeepRandom'\]"):
        summarise(points, baseline="KeepEasiest")


def test_scarce_data_favour_the_easy(points):
    """Measured at 20 of 100, 24 seeds: easy −.060 ± .011, hard +.155 ± .014 against random."""
    assert z_score(points, pool_size=100, kept=20, rule="KeepEasiest") < -3
    assert z_score(points, pool_size=100, kept=20, rule="KeepHardest") > 3


def test_abundant_data_favour_the_hard(points):
    """Measured at 1600 of 3200, 24 seeds: hard −.0097 ± .0009, easy +.0233 ± .0011 against random."""
    assert z_score(points, pool_size=3200, kept=1600, rule="KeepHardest") < -3
    assert z_score(points, pool_size=3200, kept=1600, rule="KeepEasiest") > 3


def test_hard_against_easy_turns_over(points):
    """Measured at f = .4, 24 seeds: hard − easy is +.095 ± .013 at 40 of 100, −.0265 ± .0015 at 1280 of 3200."""
    assert z_score(points, pool_size=100, kept=40, rule="KeepHardest", baseline="KeepEasiest") > 3
    assert z_score(points, pool_size=3200, kept=1280, rule="KeepHardest", baseline="KeepEasiest") < -3


def test_the_hardest_fifth_is_a_bad_training_set_at_any_size(points):
    """Measured at 640 of 3200, 24 seeds: +.271 ± .006 against random. The probe's own errors are among them."""
    assert z_score(points, pool_size=3200, kept=640, rule="KeepHardest") > 10


def test_random_scores_make_no_difference(data):
    """The control: a rule that ranks by random scores is random keeping, and must look like it."""
    settings = CurveSettings(metric="random", pool_sizes=(800,), selections=contrast(0.5), seeds=range(10))
    found = list(pruning_curves(data, settings))
    for rule in ("KeepHardest", "KeepEasiest"):
        assert abs(z_score(found, pool_size=800, kept=400, rule=rule)) < 3.5


@pytest.mark.parametrize("metric", ["supervised_prototypes", "self_supervised_prototypes"])
def test_prototypes_run_through_the_same_recipe(data, metric):
    found = list(pruning_curves(data, replace(SMALL, metric=metric, pool_sizes=(300,))))
    assert {p.metric for p in found} == {metric}
    assert all(0.1 < p.test_error < 0.6 for p in found)


def test_names_of_rules_leave_out_the_fraction():
    assert selection_name(KeepRandom(0.3)) == "KeepRandom"
    assert selection_name(KeepBetween(0.1, 0.4)) == "KeepBetween(0.1, 0.4)"
    assert selection_name(Calibrated(KeepHardest(0.3), 0.25)) == "Calibrated(KeepHardest, 0.25)"


def test_quick_and_full_hold_their_baseline():
    for settings in (QUICK, FULL):
        assert {selection_name(s) for s in settings.selections} == {"KeepRandom", "KeepHardest", "KeepEasiest"}
        assert max(settings.pool_sizes) < 15_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pool_sizes": (150, 15_001)}, r"`pool_sizes` must be in \[1, 15000\]; got 15001"),
        ({"pool_sizes": (0,)}, r"`pool_sizes` must be in \[1, 15000\]; got 0"),
        ({"metric": "el3n"}, "`metrics` must be among .* got .*el3n"),
        ({"pool_sizes": (12,)}, "`labels` must cover all 10 classes; class . has no example"),
        ({"ridge": 0.0}, "`ridge` must be > 0"),
        ({"class_floor": 2.0}, r"`class_floor` must be in \[0, 1\]"),
    ],
    ids=["pool too large", "empty pool", "unknown metric", "class missing", "ridge", "floor"],
)
def test_refusals(data, change, message):
    with pytest.raises(ValueError, match=message):
        next(pruning_curves(data, replace(SMALL, **change)))
