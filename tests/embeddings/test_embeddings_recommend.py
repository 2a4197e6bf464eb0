"""Recommendations: what they answer, that the race does not leak, and that their intervals hold what they say."""

import json

import numpy as np
import pytest

from perceptron_pruning.cli import app
from perceptron_pruning.embeddings import keep, load_fashion_mnist, recommend
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING
from perceptron_pruning.embeddings.runtime.progress import NoProgress


@pytest.fixture(scope="module")
def pool():
    data = load_fashion_mnist()
    return data.train_embeddings[:600, :24].astype(np.float32), data.train_labels[:600]


@pytest.fixture(scope="module")
def advice(pool):
    return recommend(*pool, fractions=[0.3, 0.7], folds=2)


def test_prune_reproduces_the_rule(advice, pool):
    rule = advice.options[0].best.rule
    if rule.metric != "random":
        scores = advice.difficulty.scores[rule.metric]
        if rule.without_doubtful:
            scores = np.where(advice.difficulty.doubtful, scores.min() - 1, scores)
        labels = pool[1] if rule.class_floor else None
        again = keep(scores, selection=rule.selection, labels=labels, class_floor=rule.class_floor, seed=0)
        np.testing.assert_array_equal(advice.kept_at(rule.keep_fraction), again)


def test_a_recommendation_says_what_it_found(advice, pool):
    assert advice.verdict in ("prune", "random", "keep all", "cannot tell")
    assert advice.answer.count("\n") == 0
    assert "softmax head" in advice.answer
    assert len(advice.kept) == round(advice.keep_fraction * len(pool[1]))
    assert len(advice.kept_at(0.3)) == 180
    assert {row["keep_fraction"] for row in advice.table} == {0.3, 0.7}
    assert sum(row["chosen"] for row in advice.table) == 2
    with pytest.raises(ValueError, match=r"`keep_fraction` must be one that was tried \(0.7, 0.3\); got 0.4"):
        advice.kept_at(0.4)


def test_the_same_seed_gives_the_same_answer(advice, pool):
    again = recommend(*pool, fractions=[0.3, 0.7], folds=2)
    assert again.table == advice.table
    np.testing.assert_array_equal(again.kept, advice.kept)


def test_the_order_of_the_file_does_not_decide(pool):
    """Rows sorted by class, as files often are."""
    order = np.argsort(pool[1], kind="stable")
    advice = recommend(pool[0][order], pool[1][order], fractions=[0.5], quick=True)
    kept = np.bincount(pool[1][order][advice.kept_at(0.5)], minlength=10)
    assert kept.min() >= 0.2 * np.bincount(pool[1]).min()


def test_noise_as_labels_is_not_free_to_choose(pool):
    """With labels that embeddings know nothing of, no rule can be better than random for sure."""
    labels = np.random.default_rng(0).integers(0, 2, 600)
    advice = recommend(pool[0], labels, fractions=[0.5], folds=4, ridges=[1e-2])
    assert advice.options[0].best.against_random.high > -0.02


def test_class_weights_ask_for_another_test_mix(pool):
    rows, labels = pool
    keep_few = np.flatnonzero((labels != 0) | (np.cumsum(labels == 0) <= 6))
    rows, labels = rows[keep_few], labels[keep_few]
    plain = recommend(rows, labels, fractions=[0.5], quick=True)
    balanced = recommend(rows, labels, fractions=[0.5], quick=True, class_weights="balanced")
    shares = {label: 1.0 for label in range(10)}
    assert recommend(rows, labels, fractions=[0.5], quick=True, class_weights=shares).table == balanced.table
    assert balanced.evidence.error_of_all != plain.evidence.error_of_all
    assert "weighed equally" in balanced.text


class Stopped(Exception):
    pass


class StopsAfter(NoProgress):
    """Interrupts when so many tasks have begun."""

    def __init__(self, tasks: int):
        self.left = tasks

    def say(self, text: str) -> None:
        self.said = text

    def task(self, label, *, total, unit):
        self.left -= 1
        if self.left < 0:
            raise Stopped("no more")
        return super().task(label, total=total, unit=unit)


def test_an_interrupted_race_resumes(advice, pool, tmp_path, monkeypatch):
    stops = StopsAfter(4)
    with pytest.raises(Stopped, match="no more"):
        recommend(*pool, fractions=[0.3, 0.7], folds=2, checkpoint=tmp_path / "store", progress=stops)
    assert "students (a softmax head)" in stops.said
    assert "in 2 folds; about" in stops.said
    assert "on one core (" in stops.said
    stored = len(list((tmp_path / "store").glob("*.npz")))
    assert stored > 3
    resumed = recommend(*pool, fractions=[0.3, 0.7], folds=2, checkpoint=tmp_path / "store")
    assert resumed.table == advice.table


def test_a_pool_can_be_sampled(pool):
    advice = recommend(*pool, fractions=[0.5], quick=True, sample_rows=400)
    assert "holds for pools of 400 rows" in advice.answer
    assert len(advice.kept_at(0.5)) == 300


@pytest.mark.parametrize("student", ["knn", "max_margin", "two_layer"], ids=str)
def test_other_students(pool, student):
    rows, labels = pool
    few = labels < 3
    advice = recommend(rows[few], labels[few], fractions=[0.5], quick=True, student=student)
    assert advice.evidence.error_of_all < 0.15
    assert advice.evidence.student in advice.answer


class Centroids:
    def fit(self, inputs, labels, seed):
        means = np.stack([inputs[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
        return lambda rows: -((rows[:, None] - means) ** 2).sum(axis=2)

    def __repr__(self):
        return "nearest centroid"


def test_a_student_of_ones_own(pool):
    advice = recommend(*pool, fractions=[0.5], quick=True, student=Centroids())
    assert "for nearest centroid" in advice.answer
    assert advice.evidence.error_of_all < 0.5


BAD = {
    "tolerance": (dict(tolerance=0.0), r"`tolerance` must be in \(0, 1\)"),
    "tolerance_points": (dict(tolerance=5), r"`tolerance` must be in \(0, 1\)"),
    "fraction": (dict(fractions=[0.5, 1.0]), r"`fractions` must be in \(0, 1\); got 1.0"),
    "folds": (dict(folds=7), "`folds` must be 2, 3, 4 or 5; got 7"),
    "student": (dict(student="svm"), "`student` must be one of softmax"),
    "student_object": (dict(student=object()), r"`student` must have a method fit"),
    "ridge": (dict(ridges=[0.0]), "`ridges` must be > 0; got 0"),
    "weights": (dict(class_weights={0: 1.0}), "`class_weights` must have exactly the classes"),
    "weights_word": (dict(class_weights="equal"), '`class_weights` must be "balanced"'),
    "weights_negative": (dict(class_weights={c: -1.0 for c in range(10)}), "`class_weights` must be finite"),
    "sample": (dict(sample_rows=10), r"`sample_rows` must be in \[100, 600\]; got 10"),
    "components": (dict(n_components=0), "`n_components` must be at least 1; got 0"),
    "seed": (dict(seed=-1), "`seed` must be at least 0; got -1"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_parameters_are_named(pool, arguments, message):
    with pytest.raises(ValueError, match=message):
        recommend(*pool, **arguments)


def test_bad_inputs_are_named(pool):
    rows, labels = pool
    with pytest.raises(ValueError, match="at least 100 rows"):
        recommend(rows[:50], labels[:50])
    with pytest.raises(ValueError, match="at least two classes; got 1"):
        recommend(rows, np.zeros(600))
    with pytest.raises(ValueError, match=r"`labels` must be one per row, shape \(600,\)"):
        recommend(rows, labels[:-1])
    broken = rows.copy()
    broken[7, 3] = np.nan
    with pytest.raises(ValueError, match="row 7 of `embeddings` has nan"):
        recommend(broken, labels)
    with pytest.raises(ValueError, match="must not be equal in all rows"):
        recommend(np.ones((600, 3)), labels)


@pytest.fixture
def files(pool, tmp_path):
    np.save(tmp_path / "rows.npy", pool[0])
    np.save(tmp_path / "labels.npy", pool[1])
    return tmp_path


def command(files, *words: str):
    return app(
        ["recommend", str(files / "rows.npy"), "--labels", str(files / "labels.npy"), "--quick", *words],
        result_action="return_value",
    )


def test_the_command_writes_the_answer_and_the_kept_rows(files, capsys):
    output = files / "advice"
    (files / "mix.csv").write_text("label,share\n" + "".join(f"{c},{c + 1}\n" for c in range(10)))
    assert command(files, "--output", str(output), "--class-weights", str(files / "mix.csv")) == 0
    said = capsys.readouterr().out
    assert (output / "answer.txt").read_text().splitlines()[0] == said.splitlines()[0]
    manifest = json.loads((output / "recommendation.json").read_text())
    assert manifest["kept"] == len(np.load(output / "kept.npy"))
    assert {"table.csv", "picture.png", "answer.txt"} <= {path.name for path in output.iterdir()}
    assert not (files / "advice.partial").exists()
    with pytest.raises(ValueError, match="has a recommendation already"):
        command(files, "--output", str(output))
    assert command(files, "--output", str(output), "--overwrite", "--fractions", "0.6") == 0


def test_the_command_checks_its_output_first(files):
    with pytest.raises(ValueError, match="must be a folder"):
        command(files, "--output", str(files / "rows.npy"))
    with pytest.raises(ValueError, match="must lie in a folder that exists"):
        command(files, "--output", str(files / "none" / "advice"))
    with pytest.raises(ValueError, match=r"must be balanced, or a \.csv"):
        command(files, "--output", str(files / "advice"), "--class-weights", "equal")


def test_all_rows_are_a_candidate(advice):
    assert EVERYTHING.select(advice.difficulty, advice.classes, 0).size == 600
    assert 0 < advice.evidence.error_of_all < 0.5
