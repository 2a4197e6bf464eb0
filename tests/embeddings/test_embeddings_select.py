"""Selections that are no ranking, held against their definitions."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from perceptron_pruning.embeddings import recommend, select
from perceptron_pruning.embeddings.recommendation.difficulty import GRADIENT
from perceptron_pruning.embeddings.recommendation.rules import by_methods
from perceptron_pruning.embeddings.selections.covariance import covariance_matching, covariance_of
from perceptron_pruning.embeddings.selections.coverage import facility_location, herding, k_centre
from perceptron_pruning.embeddings.selections.methods import METHODS
from perceptron_pruning.embeddings.selections.quotas import by_error, proportional
from perceptron_pruning.embeddings.selections.stratified import stratified


@pytest.fixture(scope="module")
def digits():
    rows, labels = load_digits(return_X_y=True)
    return rows[:600].astype(np.float32), labels[:600]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("fraction", [0.1, 0.5, 1.0], ids=str)
def test_every_method_keeps_its_share_once(digits, method, fraction):
    kept = select(*digits, method=method, keep_fraction=fraction)
    assert len(kept) == round(fraction * 600)
    assert np.all(np.diff(kept) > 0)
    np.testing.assert_array_equal(kept, select(*digits, method=method, keep_fraction=fraction))


def test_k_centre_is_within_twice_the_best_radius():
    rows = rng().normal(size=(12, 2))
    distances = np.linalg.norm(rows[:, None] - rows, axis=2)
    for count in (2, 3, 4):
        best = min(distances[:, list(kept)].min(axis=1).max() for kept in combinations(range(12), count))
        assert distances[:, k_centre(rows, count, rng())].min(axis=1).max() <= 2 * best + 1e-12


def test_k_centre_keeps_equal_rows_once():
    assert set(k_centre(np.ones((5, 2)), 5, rng())) == set(range(5))


def test_facility_location_is_near_the_best_subset():
    rows = rng().normal(size=(14, 3))
    unit = rows - rows.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    similar = 1 + unit @ unit.T

    def value(kept) -> float:
        return similar[:, list(kept)].max(axis=1).sum()

    best = max(map(value, combinations(range(14), 3)))
    reached = np.mean([value(facility_location(rows, 3, np.random.default_rng(seed))) for seed in range(20)])
    assert reached >= (1 - np.exp(-1) - 0.05) * best
    assert reached > np.mean([value(kept) for kept in combinations(range(14), 3)])


def test_similarities_in_memory_change_nothing(digits, monkeypatch):
    rows = digits[0][:150].astype(np.float32)
    in_memory = facility_location(rows, 20, np.random.default_rng(0))
    monkeypatch.setattr("perceptron_pruning.embeddings.selections.coverage.MOST_PAIRED", 0)
    np.testing.assert_array_equal(facility_location(rows, 20, np.random.default_rng(0)), in_memory)


def test_herding_keeps_the_mean(digits):
    rows = digits[0][digits[1] == 3]
    away = np.linalg.norm(rows[herding(rows, 10, rng())].mean(axis=0) - rows.mean(axis=0))
    draws = [np.random.default_rng(seed).permutation(len(rows))[:10] for seed in range(20)]
    chance = [np.linalg.norm(rows[drawn].mean(axis=0) - rows.mean(axis=0)) for drawn in draws]
    assert away < min(chance)
    assert away < 0.6 * np.median(chance)


def test_covariance_matching_takes_the_best_row_at_every_step():
    rows, wanted = rng().normal(size=(14, 3)) + 5, np.diag([2.0, 0.5, 0.1])
    kept = covariance_matching(rows, 8, wanted)
    for size in range(1, 8):

        def distance(row, size=size) -> float:
            return float(np.linalg.norm(covariance_of(rows[[*kept[:size], row]]) - wanted))

        rest = [row for row in range(14) if row not in kept[:size]]
        assert distance(kept[size]) == pytest.approx(min(map(distance, rest)))


@pytest.mark.parametrize("shift", [0.0, 3.0], ids=["no shift", "shifted"])
def test_synthetic_rows_are_chosen_by_the_covariance_of_real_ones(shift):
    """Half of a pool has the variances of the real rows, half is flat; a mean that is shifted changes nothing."""
    draws, d = rng(), 6
    steep = 1 / np.arange(1, d + 1)
    real, labels = draws.normal(size=(400, d)) * steep, draws.integers(0, 2, 400)
    pool = np.concatenate([draws.normal(size=(400, d)) * steep, draws.normal(size=(400, d))]) + shift
    names = np.array(["no", "yes"])
    given = {"method": "covariance_matching", "target": real, "target_labels": names[labels]}
    pool_labels = names[draws.integers(0, 2, 800)]
    kept = select(pool, pool_labels, keep_fraction=0.25, **given)
    wanted = covariance_of(real)

    def distance(chosen) -> float:
        return float(np.linalg.norm(covariance_of(pool[chosen]) - wanted))

    chance = min(distance(draws.permutation(800)[:200]) for _ in range(50))
    assert distance(kept) < 0.2 * chance
    own = select(pool, pool_labels, method="covariance_matching", keep_fraction=0.25)
    assert np.linalg.norm(covariance_of(pool[own]) - covariance_of(pool)) < 0.2 * distance(own)


def test_strata_share_the_budget():
    """Nine rows in ten are easy; strata give the others a far larger share, but for the very hardest."""
    scores = np.concatenate([rng().random(900), 1 + 9 * rng().random(100)])
    kept = stratified(scores, 200, rng())
    assert len(kept) == 200
    assert scores[kept].max() <= np.quantile(scores, 0.9) + 1e-12
    two = np.concatenate([np.zeros(500), np.ones(60), np.full(60, 100.0)])
    assert np.bincount((two[stratified(two, 100, rng())] > 0).astype(int)).tolist() == [50, 50]


def test_all_rows_of_equal_scores_are_equal():
    assert len(set(np.concatenate([stratified(np.ones(50), 10, np.random.default_rng(s)) for s in range(40)]))) == 50


def test_quotas_add_up_and_do_not_exceed_a_class():
    for seed in range(200):
        draw = np.random.default_rng(seed)
        sizes = draw.integers(1, 40, draw.integers(1, 8))
        count = int(draw.integers(1, sizes.sum() + 1))
        for quotas in (proportional(sizes, count), by_error(sizes, draw.random(sizes.size), count)):
            assert quotas.sum() == count
            assert np.all((quotas >= 0) & (quotas <= sizes))
            assert count < sizes.size or quotas.min() >= 1
    np.testing.assert_array_equal(proportional(np.array([10, 20, 30]), 6), [1, 2, 3])
    np.testing.assert_array_equal(by_error(np.array([100, 100]), np.array([0.1, 0.3]), 80), [20, 60])
    np.testing.assert_array_equal(by_error(np.array([100, 10]), np.array([0.1, 0.9]), 50), [40, 10])


def test_classes_that_are_got_wrong_are_kept(digits):
    rows, labels = digits
    noisy = np.where(labels < 2, rng().integers(0, 2, labels.size), labels)  # zeros and ones mixed up
    kept = noisy[select(rows, noisy, method="class_quotas", keep_fraction=0.3)]
    shares = np.bincount(kept) / np.bincount(noisy)
    assert shares[:2].min() > shares[2:].max()


BAD = {
    "method": (dict(method="best", keep_fraction=0.5), "`method` must be one of stratified"),
    "fraction": (dict(method="herding", keep_fraction=1.5), "`keep_fraction` must be in"),
    "seed": (dict(method="herding", keep_fraction=0.5, seed=-1), "`seed` must be at least 0; got -1"),
    "labels": (dict(method="class_quotas", keep_fraction=0.5), "`labels` must be given for the method class_quotas"),
    "scores": (dict(method="stratified", keep_fraction=0.5), "for the method stratified, or `scores`"),
    "target": (dict(method="herding", keep_fraction=0.5, target=np.ones((4, 64))), "`target` must be left out with"),
    "width": (dict(method="covariance_matching", keep_fraction=0.5, target=np.ones((4, 3))), "the pool's 64 features"),
    "lone labels": (dict(method="herding", keep_fraction=0.5, target_labels=[0]), "left out without `target`"),
    "target labels": (
        dict(method="covariance_matching", keep_fraction=0.5, target=np.ones((4, 64)), target_labels=[0] * 4),
        "`target_labels` must be given with `labels`",
    ),
    "shape": (dict(method="stratified", keep_fraction=0.5, scores=[1.0]), r"`scores` must be finite, .* \(600,\)"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_arguments_are_named(digits, arguments, message):
    with pytest.raises(ValueError, match=message):
        select(digits[0], **arguments)


def test_a_class_without_target_is_named(digits):
    few = digits[1] < 9
    target = {"target": digits[0][few], "target_labels": digits[1][few]}
    with pytest.raises(ValueError, match="two examples of every class of `labels`; not 9"):
        select(*digits, method="covariance_matching", keep_fraction=0.5, **target)


def test_recommend_races_them(digits):
    advice = recommend(*digits, fractions=[0.3], folds=2, coverage=True)
    assert {*METHODS, GRADIENT} < {row["metric"] for row in advice.table}
    for rule in by_methods(0.3):
        assert len(rule.select(advice.difficulty, advice.classes, 0)) == 180
        assert rule.text
