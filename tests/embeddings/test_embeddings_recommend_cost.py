"""What `recommend` says of its cost: the work that it counts is done, and what is shown is what the plan says."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.cli import app
from perceptron_pruning.embeddings import recommend
from perceptron_pruning.embeddings.recommendation import difficulty, race, run, students, whole_pool
from perceptron_pruning.embeddings.recommendation.chosen_student import student_for
from perceptron_pruning.embeddings.recommendation.plan import RacePlan
from perceptron_pruning.embeddings.recommendation.request import FRACTIONS, QUICK_FRACTIONS, Request
from perceptron_pruning.embeddings.recommendation.students import RIDGES
from perceptron_pruning.embeddings.recommendation.work import STEP_RATES, Shape, Work, heads_together, slowness
from perceptron_pruning.embeddings.runtime.progress import NoProgress
from perceptron_pruning.embeddings.selections.methods import COVARIANCE, COVERAGE

ASKED_FACTOR = 1.5


class Heard(NoProgress):
    """Keeps the plan."""

    said = ""

    def say(self, text: str) -> None:
        self.said = text


class Counted:
    """Evaluations of loss and gradient of all heads, and Σ n d C over them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.heads, self.evaluations, self.products = 0, 0, 0
        for module in (race, difficulty, whole_pool, students):
            monkeypatch.setattr(module, "fit_head", self._one(module.fit_head))
        monkeypatch.setattr(students, "fit_heads", self._many(students.fit_heads))

    def enter(self, inputs: np.ndarray, head) -> None:
        self.heads += 1
        self.evaluations += head.n_evaluations
        self.products += head.n_evaluations * inputs.size * head.present.size

    def _one(self, fit):
        def fitted(inputs, classes, **options):
            head = fit(inputs, classes, **options)
            self.enter(inputs, head)
            return head

        return fitted

    def _many(self, fit):
        def fitted(inputs, classes, **options):
            heads = fit(inputs, classes, **options)
            for rows, head in zip(inputs, heads, strict=True):
                self.enter(rows, head)
            return heads

        return fitted


class Plans:
    """The plans that were put in words, with what was given and said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.made: list[tuple[RacePlan, tuple[float, ...], str]] = []
        text = RacePlan.text

        def told(plan: RacePlan, *given: float) -> str:
            said = text(plan, *given)
            self.made.append((plan, given, said))
            return said

        monkeypatch.setattr(RacePlan, "text", told)


def gaussian(n: int, d: int, n_classes: int, hard: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n, d, n_classes])
    labels = rng.integers(0, n_classes, n)
    means = rng.normal(size=(n_classes, d)) / hard
    return (means[labels] + rng.normal(size=(n, d))).astype(np.float32), labels


POOLS = {
    "few rows": gaussian(300, 8, 2, 1.5),
    "many features": gaussian(450, 200, 4, 3.0),
    "many classes": gaussian(1200, 24, 20, 1.0),
    "hard": gaussian(900, 40, 6, 2.0),
}
OVERLAPPING = gaussian(900, 40, 6, 4.0)
CALLS = {
    "default": {},
    "quick": {"quick": True},
    "three folds": {"folds": 3},
    "coverage, two folds": {"coverage": True, "folds": 2, "fractions": [0.3]},
    "one ridge": {"ridges": [1e-3], "fractions": [0.2, 0.6]},
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_the_work_that_is_said_is_done(pool, call, monkeypatch):
    counted, plans = Counted(monkeypatch), Plans(monkeypatch)
    recommend(*pool, progress=Heard(), **call)
    ((plan, (evaluations, *_), _),) = plans.made
    for ratio in said_over_done(plan, evaluations, counted):
        assert 1 / ASKED_FACTOR < ratio < ASKED_FACTOR
    n_scoring = counted.heads - plan.n_fits  # those that score; fewer if rules keep the same rows or are clearly worse
    assert -0.25 * plan.n_fits < n_scoring <= 21


def test_classes_that_overlap_take_more_than_is_said(monkeypatch):
    """Rows that no head fits are what rules leave out: those on the rest converge later. The estimate knows less."""
    counted, plans = Counted(monkeypatch), Plans(monkeypatch)
    recommend(*OVERLAPPING, progress=Heard())
    ((plan, (evaluations, *_), _),) = plans.made
    for ratio in said_over_done(plan, evaluations, counted):
        assert 0.5 < ratio < 0.9


def said_over_done(plan: RacePlan, evaluations: float, counted: Counted) -> tuple[float, float]:
    """Of evaluations, and of Σ n d C over them."""
    work, is_known = plan.racing(evaluations)
    work += plan.scoring(evaluations)
    assert is_known
    return work.evaluations / counted.evaluations, work.products / counted.products


def test_the_first_head_is_part_of_the_work(monkeypatch):
    """To say the cost takes no head more, and does not change the answer."""
    counted = Counted(monkeypatch)
    silent = recommend(*POOLS["few rows"], fractions=[0.5])
    before = counted.heads, counted.evaluations
    told = recommend(*POOLS["few rows"], fractions=[0.5], progress=Heard())
    assert (counted.heads - before[0], counted.evaluations - before[1]) == before
    assert told.table == silent.table
    np.testing.assert_array_equal(told.kept_at(0.5), silent.kept_at(0.5))


def test_what_is_shown_is_what_the_plan_says(monkeypatch):
    plans, heard = Plans(monkeypatch), Heard()
    monkeypatch.setattr(run, "slowness", lambda: 1e7)  # beside which the seconds before do not count
    recommend(*POOLS["few rows"], fractions=[0.5, 0.7], folds=2, progress=heard)
    ((plan, (evaluations, slow, spent), said),) = plans.made
    assert said == heard.said
    assert slow == 1e7
    assert 0 < spent < 1000
    seconds, _ = plan.seconds(evaluations, slow)
    assert f"about {(seconds + spent) / 3600:.1f} h on one core" in said
    assert said.startswith(f"300 rows x 8, 2 classes: up to {plan.n_fits} students (a softmax head) on up to 240 rows")
    assert plan.shape.class_share == pytest.approx(0.5, abs=0.01)


def test_the_first_head_says_how_many_steps_are_needed(monkeypatch):
    plans = Plans(monkeypatch)
    heads = []
    fit = race.fit_head
    monkeypatch.setattr(race, "fit_head", lambda *given, **options: heads.append(fit(*given, **options)) or heads[-1])
    recommend(*POOLS["hard"], fractions=[0.5], quick=True, progress=Heard())
    assert plans.made[0][1][0] == heads[0].n_evaluations > 10


def plan(n_rows=1000, d=32, n_classes=5, n_folds=5, fractions=FRACTIONS, student="softmax", **asked) -> RacePlan:
    request = Request(
        fractions=tuple(sorted(fractions, reverse=True)),
        n_folds=n_folds,
        quick=n_folds == 1,
        coverage=asked.get("coverage", False),
        representing=True,
    )
    return RacePlan(
        n_rows=n_rows,
        n_more=0,
        shape=Shape(d=d, n_classes=n_classes, class_share=0.3),
        asked=request,
        student=student_for(student, asked.get("ridges", RIDGES)),
    )


STUDENTS = ("softmax", "knn", "two_layer")
GROWING = {
    "rows of small pools": [{"n_rows": n} for n in (300, 600, 1200, 2400, 4800)],
    "rows of large pools": [{"n_rows": n} for n in (5000, 10_000, 20_000, 100_000)],
    "features": [{"d": d} for d in (8, 16, 32, 64, 128)],
    "classes": [{"n_classes": c} for c in (2, 4, 8, 16, 32)],
    "folds of small pools": [{"n_folds": f} for f in (1, 2, 3, 4, 5)],
    "folds of large pools": [{"n_rows": 8000, "n_folds": f} for f in (1, 2, 3, 4, 5)],
    "fractions": [{"fractions": FRACTIONS[:count]} for count in (1, 2, 3, 4, 5)],
    "coverage": [{"coverage": False}, {"coverage": True}],
}


@pytest.mark.parametrize("student", STUDENTS, ids=STUDENTS)
@pytest.mark.parametrize("sizes", GROWING.values(), ids=GROWING)
def test_more_of_it_costs_more(sizes, student):
    assert_grows([plan(student=student, **size) for size in sizes])


def test_ridges_cost():
    assert_grows([plan(ridges=ridges) for ridges in ((1e-3,), (1e-3, 1e-2), (1e-3, 1e-2, 1e-1))])


def assert_grows(plans: list[RacePlan]) -> None:
    seconds = [each.seconds(30, 1.0)[0] for each in plans]
    assert all(less < more for less, more in itertools.pairwise(seconds))


def test_slow_machines_and_hard_pools_take_longer():
    assert plan().seconds(30, 2.0)[0] == pytest.approx(2 * plan().seconds(30, 1.0)[0])
    hard = [plan().seconds(evaluations, 1.0)[0] for evaluations in (10, 30, 90, 120)]
    assert all(less < more for less, more in itertools.pairwise(hard))
    assert slowness() > 0


def test_a_quick_answer_costs_a_tenth():
    quick = plan(n_folds=1, fractions=QUICK_FRACTIONS, ridges=RIDGES[-1:])
    assert quick.n_fits == 12
    assert 5 < plan().seconds(30, 1.0)[0] / quick.seconds(30, 1.0)[0] < 20


class OwnRecipe:
    def fit(self, inputs, labels, seed):
        means = np.array([inputs[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
        return lambda rows: -((rows[:, None] - means) ** 2).sum(axis=2)


def test_a_training_of_unknown_length_is_not_guessed():
    heard = Heard()
    recommend(*POOLS["few rows"], student=OwnRecipe(), quick=True, progress=heard)
    assert "besides their training, whose time is not known, about" in heard.said
    known, is_known = plan(student="max_margin").seconds(30, 1.0)
    assert not is_known
    assert known < plan(ridges=RIDGES[:1]).seconds(30, 1.0)[0]


def test_rows_that_are_scored_but_not_raced_cost_little():
    more = replace(plan(), n_more=100_000)
    assert 0 < more.scoring(30).seconds - plan().scoring(30).seconds < 0.5


def test_sets_that_are_filled_up_cost_as_the_largest():
    shape = Shape(d=16, n_classes=4, class_share=0.25)
    filled, equal = heads_together([100, 50], shape, 20), heads_together([100, 100], shape, 20)
    assert filled.seconds == equal.seconds
    assert filled.products < equal.products


def test_every_greedy_selection_has_its_rate():
    assert set(STEP_RATES) == {*COVERAGE, COVARIANCE}


def test_work_adds_up():
    some = Work(evaluations=1, products=2, seconds=3)
    assert some + some == some.times(2) == Work(evaluations=2, products=4, seconds=6)


def test_the_command_says_what_it_takes_besides(tmp_path, capsys):
    rows, labels = POOLS["few rows"]
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "labels.npy", labels)
    words = ["recommend", str(tmp_path / "rows.npy"), "--labels", str(tmp_path / "labels.npy"), "--quick"]
    assert app([*words, "--output", str(tmp_path / "advice")], result_action="return_value") == 0
    said = capsys.readouterr().err
    assert "in 1 fold; about" in said
    assert "s more to start, draw and write" in said
