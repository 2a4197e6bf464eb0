"""The race behind a recommendation: heads, rules, folds, and how winners are measured."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from scipy.stats import spearmanr

from perceptron_pruning.embeddings import fit_softmax, load_fashion_mnist
from perceptron_pruning.embeddings.io.rows import array_rows
from perceptron_pruning.embeddings.metrics.softmax_head import softmax_loss
from perceptron_pruning.embeddings.recommendation.difficulty import (
    AGNOSTIC,
    GRADIENT,
    SIGNED,
    TRAINED,
    Difficulty,
    measure_difficulty,
)
from perceptron_pruning.embeddings.recommendation.groups import Group, halves, weighted_mean
from perceptron_pruning.embeddings.recommendation.head_batch import batches, fit_heads
from perceptron_pruning.embeddings.recommendation.heads import HeadLoss, Stop, fit_head
from perceptron_pruning.embeddings.recommendation.judge import Judge
from perceptron_pruning.embeddings.recommendation.marks import MISTAKE, SMOOTHED, marks
from perceptron_pruning.embeddings.recommendation.options import Option, Tried, deepest_within, verdict_on
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection
from perceptron_pruning.embeddings.recommendation.race import Fold, Folds, Pool, race, survivors
from perceptron_pruning.embeddings.recommendation.random_curve import random_of_the_whole_pool
from perceptron_pruning.embeddings.recommendation.rules import (
    MOST_OF_A_CLASS,
    Rule,
    can_represent,
    random_rule,
    shortlist,
)
from perceptron_pruning.embeddings.recommendation.students import NeighboursStudent, SoftmaxStudent, Task
from perceptron_pruning.embeddings.recommendation.whole_pool import whole_pool_difficulty
from perceptron_pruning.embeddings.runtime.checkpoint import NoCheckpoint
from perceptron_pruning.embeddings.runtime.progress import NoProgress
from perceptron_pruning.embeddings.selections.methods import METHODS
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.students.lbfgs import minimise
from perceptron_pruning.students.lbfgs_batch import minimise_all


@pytest.fixture(scope="module")
def pool():
    data = load_fashion_mnist()
    return data.train_embeddings[:600, :24].astype(np.float32), data.train_labels[:600]


def as_inputs(rows: np.ndarray) -> np.ndarray:
    return measure_projection(array_rows(rows), 128, NoProgress()).apply(rows)


def difficulty_like(scores: np.ndarray, doubtful: np.ndarray | None = None) -> Difficulty:
    n = len(scores)
    return Difficulty(
        scores={SIGNED: scores, AGNOSTIC: scores, TRAINED: scores},
        doubtful=np.zeros(n, bool) if doubtful is None else doubtful,
        predicted=np.zeros(n, int),
        start=np.zeros(1),
        inputs=np.random.default_rng(1).normal(size=(n, 4)).astype(np.float32),
    )


def test_a_fast_head_is_the_exact_head(pool):
    rows, labels = pool
    inputs = as_inputs(rows)
    fast = fit_head(inputs, labels, n_classes=10, ridge=1e-2)
    exact = fit_softmax(inputs, labels, n_classes=10, ridge=1e-2)
    np.testing.assert_allclose(fast.probabilities(inputs), exact.probabilities(inputs), atol=5e-3)


def test_the_fast_loss_is_the_loss(pool):
    rows, labels = pool
    inputs = as_inputs(rows)
    parameters = np.random.default_rng(0).normal(size=(inputs.shape[1] + 1) * 10).astype(np.float32)
    value, gradient = HeadLoss(inputs, labels, n_classes=10, ridge=0.01)(parameters)
    expected, slope = softmax_loss(parameters.astype(float), inputs.astype(float), np.eye(10)[labels], 0.01)
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, slope, atol=1e-5)


def test_the_descent_ends_at_the_minimum_of_a_quadratic_form():
    """More steps than it remembers, on a form of condition number 10⁴."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    form, target = (basis * np.geomspace(1, 1e4, 60)) @ basis.T, rng.normal(size=60)

    def loss(x):
        return 0.5 * float((x - target) @ form @ (x - target)), form @ (x - target)

    end = minimise(loss, np.zeros(60), is_done=lambda _, g: bool(np.abs(g).max() < 1e-7), iterations=2000)
    np.testing.assert_allclose(end.parameters, target, atol=1e-6)
    assert 30 < end.n_evaluations < 1500
    assert minimise(loss, target, is_done=lambda _, g: not g.any(), iterations=5).n_evaluations == 1


def test_heads_trained_together_are_those_trained_alone(pool):
    """Of three sizes and two ridges; one starts from another's solution and is done at once."""
    rows, labels = pool
    inputs, stop = as_inputs(rows), Stop(gradient=1e-5, iterations=500)
    sets, ridges = [slice(300), slice(100, 400), slice(600), slice(40), slice(300)], [1e-2, 1e-3, 1e-2, 1e-3, 1e-2]
    alone = [
        fit_head(inputs[rows], labels[rows], n_classes=10, ridge=ridge, stop=stop)
        for rows, ridge in zip(sets, ridges, strict=True)
    ]
    together = fit_heads(
        [inputs[rows] for rows in sets],
        [labels[rows] for rows in sets],
        n_classes=10,
        ridges=ridges,
        starts=[None, None, None, None, alone[0].parameters],
        stop=stop,
    )
    for one, other in zip(alone[:4], together, strict=False):
        np.testing.assert_allclose(one.probabilities(inputs), other.probabilities(inputs), atol=2e-3)
        np.testing.assert_array_equal(one.present, other.present)
        assert abs(one.n_evaluations - other.n_evaluations) <= 0.2 * one.n_evaluations
    assert together[4].n_evaluations == 1
    np.testing.assert_allclose(together[4].parameters, alone[0].parameters, rtol=1e-12)


def test_small_sets_are_trained_together_and_large_ones_alone():
    assert batches([100, 100, 50], 64, 10) == [[0, 1, 2]]
    assert batches([50, 4000, 100], 64, 10) == [[1], [2, 0]]
    assert batches([900] * 12, 64, 10) == [[number] for number in range(12)]
    assert batches([500] * 30, 64, 10) == [list(range(26)), list(range(26, 30))]
    assert batches([50, 50], 64, 100) == [[0], [1]]  # wide heads


def test_the_descents_of_many_forms_are_those_of_each():
    """More steps than they remember; one of them is at its minimum, and one has no minimum to be found."""
    rng = np.random.default_rng(0)
    forms = [np.diag(np.geomspace(1, condition, 40)) for condition in (1e1, 1e3, 1e3)]
    targets = rng.normal(size=(3, 40))

    class Forms:
        def __init__(self, which):
            self.which = which

        def __call__(self, places):
            pairs = [form_loss(number)(place) for number, place in zip(self.which, places, strict=True)]
            return np.array([value for value, _ in pairs]), np.array([slope for _, slope in pairs])

        def are_done(self, gradients):
            return np.abs(gradients).max(axis=1) < 1e-7

        def part(self, which):
            return Forms(self.which[which])

    def form_loss(number):
        def loss(x):
            slope = forms[number] @ (x - targets[number])
            return (np.nan if number == 2 and slope.any() else 0.5 * float((x - targets[number]) @ slope)), slope

        return loss

    start = np.array([targets[0], np.zeros(40), np.zeros(40)])
    ends = minimise_all(Forms(np.arange(3)), start, iterations=500)
    for number, end in enumerate(ends):
        one = minimise(
            form_loss(number), start[number], is_done=lambda _, g: bool(np.abs(g).max() < 1e-7), iterations=500
        )
        np.testing.assert_allclose(end.parameters, one.parameters, atol=1e-6)
        assert abs(end.n_evaluations - one.n_evaluations) <= 0.2 * one.n_evaluations
    assert ends[0].n_evaluations == 1
    assert ends[1].n_evaluations > 30
    np.testing.assert_array_equal(ends[2].parameters, start[2])
    assert np.isnan(ends[2].loss)


def test_marks_are_mistakes_and_their_smoothed_share():
    """The margins of n rows are Gaussian: a share Φ(−1) of them is wrong, and the smoothed error says so too."""
    rng = np.random.default_rng(0)
    scores = np.zeros((200_000, 3))
    scores[:, 0] = rng.normal(1.0, 1.0, 200_000)
    scores[:, 2] = -np.inf
    labels = np.zeros(200_000, int)
    both_kinds = marks(scores, labels)
    np.testing.assert_array_equal(both_kinds[MISTAKE], scores[:, 0] < 0)
    assert both_kinds[SMOOTHED].mean() == pytest.approx(0.1587, abs=0.004)
    shifted = marks(scores + np.array([0.02, 0, 0]), labels)
    gain = both_kinds - shifted
    assert gain[SMOOTHED].mean() == pytest.approx(gain[MISTAKE].mean(), rel=0.15)
    assert gain[SMOOTHED].std() < 0.3 * gain[MISTAKE].std()
    unknown = marks(scores, labels + 2)  # a class that the student does not know
    np.testing.assert_array_equal(unknown, np.ones((2, 200_000)))


def test_a_class_without_rows_is_never_predicted(pool):
    rows, labels = pool
    inputs = as_inputs(rows)
    few = labels != 3
    head = fit_head(inputs[few], labels[few], n_classes=10, ridge=1e-3)
    assert 3 not in head.predict(inputs)
    assert head.probabilities(inputs)[:, 3].max() == 0


def test_principal_components_are_those_of_a_singular_value_decomposition(pool):
    rows = pool[0].astype(float)
    projection = measure_projection(array_rows(rows), 5, NoProgress())
    ours, centred = projection.apply(rows), rows - rows.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :5] * sizes[:5]
    expected /= np.sqrt(np.mean(expected**2))
    np.testing.assert_allclose(np.abs(ours), np.abs(expected), atol=1e-4)


def test_a_difficulty_is_that_of_a_head_that_did_not_see_the_row(pool):
    rows, labels = pool
    inputs = as_inputs(rows)
    flipped = labels.copy()
    flipped[:30] = (labels[:30] + 1) % 10
    measured = measure_difficulty(inputs, flipped, 10, 0)
    assert measured.scores[GRADIENT].min() > 0
    assert spearmanr(measured.scores[GRADIENT], measured.scores[SIGNED]).statistic > 0.5
    assert measured.doubtful[:30].mean() > 0.5
    assert measured.doubtful[30:].mean() < 0.1
    assert np.mean(measured.scores[SIGNED]) > np.mean(measured.scores[TRAINED])  # unseen rows are harder


@pytest.mark.parametrize("number", [1, 4], ids=str)
def test_rows_put_aside_have_no_part_in_the_scores(pool, number):
    """Nor where the heads of other folds, which saw these rows, are known already."""
    rows, labels = pool
    whole = Pool(inputs=as_inputs(rows), classes=labels, n_classes=10, importance=np.ones(600), seed=0)
    fold = Folds(whole, NoCheckpoint()).make(number)
    assert not set(fold.aside) & set(fold.rest)
    assert len(fold.aside) + len(fold.rest) == 600
    other = labels.copy()
    other[fold.aside] = (other[fold.aside] + 1) % 10
    folds = Folds(replace(whole, classes=other), NoCheckpoint())
    folds.make(0), folds.make(2)
    changed = folds.make(number)
    for metric, values in fold.difficulty.scores.items():
        np.testing.assert_array_equal(changed.difficulty.scores[metric], values)


def test_five_folds_put_every_row_aside_once_and_take_ten_heads(pool):
    rows, labels = pool
    folds = Folds(
        Pool(inputs=as_inputs(rows)[:597], classes=labels[:597], n_classes=10, importance=np.ones(597), seed=0),
        NoCheckpoint(),
    )
    aside = [folds.make(number).aside for number in range(5)]
    np.testing.assert_array_equal(np.sort(np.concatenate(aside)), np.arange(597))
    assert len(folds.heads) == 10
    assert max(map(len, aside)) - min(map(len, aside)) <= 1


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.7, 0.85], ids=str)
def test_every_rule_keeps_its_share(fraction):
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 5, 400)
    difficulty = difficulty_like(rng.normal(size=400), rng.random(400) < 0.05)
    rules = shortlist(fraction)
    assert any(rule.metric in METHODS for rule in rules) == (fraction < 0.4)
    assert not any(rule.metric in METHODS for rule in shortlist(fraction, representing=False))
    for rule in rules:
        assert len(rule.select(difficulty, classes, 0)) == round(fraction * 400), rule
        assert rule.text


def test_rules_keep_what_they_say():
    scores, classes = np.arange(100.0), np.zeros(100, int)
    difficulty = difficulty_like(scores, scores >= 95)
    hardest = Rule(metric=SIGNED, keep_fraction=0.2)
    np.testing.assert_array_equal(hardest.select(difficulty, classes, 0), np.arange(80, 100))
    np.testing.assert_array_equal(replace(hardest, skip=0.1).select(difficulty, classes, 0), np.arange(70, 90))
    np.testing.assert_array_equal(replace(hardest, skip=0.8).select(difficulty, classes, 0), np.arange(20))
    sure = replace(hardest, without_doubtful=True)
    np.testing.assert_array_equal(sure.select(difficulty, classes, 0), np.arange(75, 95))
    chance = replace(random_rule(0.2), without_doubtful=True)
    assert chance.select(difficulty, classes, 0).max() < 95


@pytest.mark.parametrize("method", ["facility_location", "herding"], ids=str)
def test_representatives_are_not_the_hardest_of_their_class(method):
    """Of two classes, one of which is harder all through, each keeps its share, and none of its hardest 30 %."""
    scores, classes = np.arange(200.0), np.repeat([0, 1], 100)
    kept = Rule(metric=method, keep_fraction=0.1, skip=0.3).select(difficulty_like(scores), classes, 0)
    np.testing.assert_array_equal(np.bincount(classes[kept]), [10, 10])
    assert kept[classes[kept] == 0].max() < 70
    assert kept.max() < 170
    assert len(np.unique(kept)) == 20
    every = Rule(metric=method, keep_fraction=0.7, skip=0.3).select(difficulty_like(scores), classes, 0)
    np.testing.assert_array_equal(every, [*range(70), *range(100, 170)])


def test_large_classes_are_not_represented():
    assert can_represent(np.repeat([0, 1], MOST_OF_A_CLASS))
    assert not can_represent(np.append(np.repeat([0, 1], MOST_OF_A_CLASS), 1))


class Counts(SoftmaxStudent):
    """Counts the students that are trained."""

    sizes: ClassVar[list[int]] = []

    def train_all(self, tasks, settings):
        self.sizes.extend(len(task.inputs) for task in tasks)
        return super().train_all(tasks, settings)


@pytest.mark.parametrize("number", [0, 1], ids=str)
def test_rules_that_keep_the_same_rows_are_trained_once_and_random_ones_drawn_anew(pool, number):
    """No label is in doubt, so a rule without doubtful rows has a twin; two random draws count after the first fold."""
    rows, labels = pool
    whole = Pool(inputs=as_inputs(rows), classes=labels, n_classes=10, importance=np.ones(600), seed=0)
    fold = Folds(whole, NoCheckpoint()).make(number)
    fold = replace(fold, difficulty=replace(fold.difficulty, doubtful=np.zeros(len(fold.rest), bool)))
    twins = [Rule(metric=AGNOSTIC, keep_fraction=0.25, without_doubtful=doubt) for doubt in (False, True)]
    chance = random_rule(0.25)
    Counts.sizes.clear()
    rules = dict.fromkeys([*twins, chance], (0, 1))
    group = race(whole, fold, rules, Counts(), size=480, checkpoint=NoCheckpoint(), progress=NoProgress())
    assert Counts.sizes == [120] * (2 if number == 0 else 3)
    np.testing.assert_array_equal(group.errors[twins[0], 1], group.errors[twins[1], 1])
    wrong = group.errors[chance, 0][MISTAKE]
    assert set(np.unique(wrong)) == ({0.0, 1.0} if number == 0 else {0.0, 0.5, 1.0})
    assert list(group.candidates_of[chance]) == [(chance, 0), (chance, 1)]


def test_after_a_single_fold_the_rows_aside_are_scored_by_its_heads(pool):
    rows, labels = pool

    def measured(labels: np.ndarray) -> tuple[Fold, Difficulty]:
        whole = Pool(inputs=as_inputs(rows), classes=labels, n_classes=10, importance=np.ones(600), seed=0)
        folds = Folds(whole, NoCheckpoint())
        return folds.make(0), whole_pool_difficulty(whole.inputs, labels, np.arange(600), folds)

    fold, difficulty = measured(labels)
    for metric in (SIGNED, AGNOSTIC):
        np.testing.assert_array_equal(difficulty.scores[metric][fold.rest], fold.difficulty.scores[metric])
    np.testing.assert_array_equal(difficulty.doubtful[fold.rest], fold.difficulty.doubtful)
    other = labels.copy()
    other[fold.aside] = (other[fold.aside] + 1) % 10
    _, changed = measured(other)
    np.testing.assert_array_equal(changed.scores[AGNOSTIC], difficulty.scores[AGNOSTIC])
    assert np.mean(changed.scores[SIGNED][fold.aside] > difficulty.scores[SIGNED][fold.aside]) > 0.7
    assert not np.array_equal(changed.scores[TRAINED], difficulty.scores[TRAINED])


def test_nearest_neighbours_vote():
    inputs = np.array([[0.0], [1.0], [1.1], [5.0]], np.float32)
    task = Task(inputs=inputs, classes=np.array([0, 1, 1, 0]), n_classes=2, start=None, seed=0)
    one, three = NeighboursStudent(neighbours=(1, 3)).train(task)
    rows = np.array([[0.2], [4.0]], np.float32)
    np.testing.assert_array_equal(one(rows).argmax(axis=1), [0, 0])
    np.testing.assert_array_equal(three(rows).argmax(axis=1), [1, 1])
    (tie,) = NeighboursStudent(neighbours=(2,)).train(task)
    np.testing.assert_array_equal(tie(np.array([[0.4], [3.5]], np.float32)).argmax(axis=1), [0, 0])


def both(mistakes: np.ndarray) -> np.ndarray:
    """Marks whose smoothed error is the mistake."""
    return np.array([mistakes, mistakes], float)


def test_a_winner_is_measured_where_it_was_not_chosen():
    """Forty equal rules: the best seems better than random by the winner's curse; the honest difference does not."""
    rng = np.random.default_rng(1)
    rules = [Rule(metric=SIGNED, keep_fraction=0.5, skip=k / 100) for k in range(40)]
    honest, naive = [], []
    for _ in range(100):
        groups = [
            Group(
                errors={(rule, 0): both(rng.random(300) < 0.2) for rule in [*rules, random_rule(0.5)]},
                importance=np.ones(300),
            )
            for _ in range(2)
        ]
        judge = Judge(groups, [])
        honest.append(judge.difference(rules, {random_rule(0.5): 1.0}))
        naive.append(judge.plain_difference(judge.best([(rule, 0) for rule in rules]), random_rule(0.5)).value)
    values = np.array([effect.value for effect in honest])
    assert abs(values.mean()) < 3 * values.std() / 10
    assert np.mean(naive) < -0.02
    assert np.mean([effect.low <= 0 <= effect.high for effect in honest]) >= 0.88


@pytest.mark.parametrize("crowded", [True, False], ids=["crowded at the boundary", "spread"])
def test_mistakes_count_where_smoothed_errors_miss_the_gain(crowded):
    """A tenth of the margins within a fifth of the smoothing's width of the boundary: its gain is smoothed away."""
    rule, chance = Rule(metric=SIGNED, keep_fraction=0.5), random_rule(0.5)
    rng, groups, labels = np.random.default_rng(3), [], np.zeros(2000, int)
    for _ in range(2):
        margins = rng.normal(10.0, 1.0, 2000) if crowded else rng.normal(10.0, 10.0, 2000)
        margins[:200] = rng.uniform(-0.3, 0.3, 200) if crowded else margins[:200]
        scores = np.stack([margins, np.zeros(2000)], axis=1)
        errors = {(rule, 0): marks(scores + np.array([0.1, 0.0]), labels), (chance, 0): marks(scores, labels)}
        groups.append(Group(errors=errors, importance=np.ones(2000)))
    both_kinds = np.concatenate([group.errors[rule, 0] - group.errors[chance, 0] for group in groups], axis=1)
    judge = Judge(groups, [])
    for said in (judge.difference([rule], {chance: 1.0}), judge.plain_difference((rule, 0), chance)):
        assert said.value == pytest.approx(both_kinds[MISTAKE if crowded else SMOOTHED].mean())
    if crowded:
        assert both_kinds[SMOOTHED].mean() > 0.3 * both_kinds[MISTAKE].mean()
        assert said.low < -0.1 * 0.1 / 0.6 < said.high


@pytest.mark.parametrize("gap_in_errors", [1.0, 2.5], ids=["chance", "doubt"])
def test_a_gap_that_is_hardly_chance_widens_the_interval(gap_in_errors):
    """Mistakes and smoothed errors differ by so many standard errors: from 1.96 on gap² less one such is added."""
    spread = np.tile([0.2, -0.2], 50)  # standard error .02
    gaps, smoothed = spread + 0.02 * gap_in_errors, np.linspace(-0.3, 0.1, 100)
    rule, chance = Rule(metric=SIGNED, keep_fraction=0.5), random_rule(0.5)
    errors = {(rule, 0): np.array([smoothed + gaps, smoothed]), (chance, 0): both(np.zeros(100))}
    said = Judge(halves(Group(errors=errors, importance=np.ones(100))), []).plain_difference((rule, 0), chance)
    bias = 0.02**2 * (gap_in_errors**2 - 1) if gap_in_errors > 1.96 else 0.0
    assert said.value == pytest.approx(smoothed.mean())
    assert said.standard_error**2 == pytest.approx((1.6 * smoothed.std() / 10) ** 2 + bias)


def test_what_a_group_dropped_is_still_chosen_among_where_it_was_run():
    """A rule that led in the first fold and fell behind in the second counts in what the second says."""
    led, steady, chance = (Rule(metric=SIGNED, keep_fraction=0.5, skip=s) for s in (0.0, 0.1, 0.2))
    right, wrong = both(np.zeros(100)), both(np.ones(100))
    first = Group(errors={(led, 0): right, (steady, 0): wrong, (chance, 0): wrong}, importance=np.ones(100))
    second = Group(errors={(led, 0): wrong, (steady, 0): right, (chance, 0): right}, importance=np.ones(100))
    third = Group(errors={(steady, 0): right, (chance, 0): right}, importance=np.ones(100))
    judge = Judge([first, second, third], [])
    assert judge.candidates == [(steady, 0), (chance, 0)]
    assert judge.difference([led, steady], {chance: 1.0}).value == pytest.approx(0.5)


def test_random_pruning_goes_along_its_learning_curve_to_the_whole_pool():
    """On a curve that is linear in ln u all steps are the same; on a steeper end, what it gains more than all rows."""
    fractions = [0.85, 0.5, 0.25, 0.1]

    def carried(fraction: float, error) -> float:
        weights = random_of_the_whole_pool(fraction, fractions)
        return sum(weight * error(rule.keep_fraction) for rule, weight in weights.items())

    assert carried(0.5, lambda u: u) == 0.5
    for fraction in (0.1, 0.25):
        assert carried(fraction, lambda u: 0.3 - 0.05 * np.log(u)) == pytest.approx(0.3 - 0.05 * np.log(fraction))
    kinked = carried(0.1, lambda u: 0.2 - 0.1 * np.log(min(u, 0.25)))
    assert kinked == pytest.approx(0.2 - 0.1 * np.log(0.125))
    assert random_of_the_whole_pool(0.1, [0.1]) == pytest.approx({random_rule(0.1): 1.0})


def test_weights_change_mean_and_standard_error():
    values, weights = np.array([1.0, 0.0, 0.0, 1.0]), np.array([2.0, 1.0, 1.0, 0.0])
    mean, error = weighted_mean(values, weights)
    assert mean == 0.5
    assert error == pytest.approx(np.sqrt(4 * 0.25 + 0.25 + 0.25) / 4)


def test_only_rules_far_behind_are_dropped():
    rules = [random_rule(0.5), *(Rule(metric=SIGNED, keep_fraction=0.5, skip=s) for s in (0.0, 0.1))]
    half = both(np.tile([0.0, 1.0], 100))

    def alive(listed: list[Rule], *marks: np.ndarray) -> list[Rule]:
        errors = {(rule, 0): row for rule, row in zip(listed, marks, strict=True)}
        return survivors(listed, [Group(errors=errors, importance=np.ones(200))])

    assert alive(rules, half, half, both(np.tile([0.0, 0.0, 1.0, 0.0], 50))) == [rules[0], rules[2]]  # random stays
    assert alive(rules, half, half, half) == rules
    more = [*rules, *(Rule(metric=SIGNED, keep_fraction=0.5, skip=s) for s in (0.2, 0.3, 0.4))]
    better = [both(np.tile([0.0, 1.0], 100) * (np.arange(200) >= 4 * number)) for number in range(len(more) - 1)]
    assert alive(more, half, *better) == [rules[0], *more[3:]]  # the three that lead


def option(fraction: float, change: float, error: float, random: bool = False) -> Option:
    rule = random_rule(fraction) if random else Rule(metric=SIGNED, keep_fraction=fraction)
    loss = Effect(value=change, standard_error=error)
    entry = Tried(rule=rule, setting="", error=0.1, folds=2, against_random=loss, against_all=loss)
    return Option(best=entry, tried=(entry,), hardest_against_random=loss, hardest_trend=None)


def test_verdicts_follow_from_the_intervals():
    free, costly, unknown = option(0.8, -0.01, 0.004), option(0.8, 0.05, 0.01), option(0.8, 0.0, 0.02)
    assert verdict_on([free], 0.005) == "prune"
    assert verdict_on([option(0.8, -0.01, 0.004, random=True)], 0.005) == "random"
    assert verdict_on([costly], 0.005) == "keep all"
    assert verdict_on([unknown], 0.005) == "cannot tell"
    assert deepest_within([free, option(0.5, 0.05, 0.01), option(0.3, -0.01, 0.004)], 0.005) == free
    assert deepest_within([unknown, option(0.5, -0.01, 0.004)], 0.005) == option(0.5, -0.01, 0.004)
