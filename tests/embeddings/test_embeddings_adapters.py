"""Pruning from scikit-learn, Hugging Face datasets and PyTorch, and newcomers against a saved state."""

import builtins
import io

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import check_estimator

from perceptron_pruning.embeddings import keep, score
from perceptron_pruning.embeddings.adapters.kept_rows import checked_rows
from perceptron_pruning.embeddings.adapters.newcomers import Reference, reference
from perceptron_pruning.embeddings.adapters.scikit_learn import DataPruner
from perceptron_pruning.embeddings.adapters.torch_subset import kept_subset


@pytest.fixture(scope="module")
def digits():
    rows, labels = load_digits(return_X_y=True)
    return rows[:600].astype(np.float32), labels[:600]


def test_a_pruner_keeps_what_keep_keeps(digits):
    rows, labels = digits
    pruner = DataPruner(keep_fraction=0.3, metric="margin").fit(rows, labels)
    expected = keep(score(rows, labels, metrics="margin")["margin"], keep_fraction=0.3, labels=labels)
    np.testing.assert_array_equal(pruner.get_support(indices=True), expected)
    few, their_labels = DataPruner(keep_fraction=0.3, metric="margin").fit_resample(rows, labels)
    np.testing.assert_array_equal(few, rows[expected])
    np.testing.assert_array_equal(their_labels, labels[expected])


def test_a_pruner_takes_frames(digits):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(digits[0], index=[f"image {k}" for k in range(600)])
    few, labels = DataPruner(keep_fraction=0.2).fit_resample(frame, pandas.Series(digits[1], index=frame.index))
    assert list(few.index) == list(labels.index)
    assert len(few) == 120


def test_a_pruner_without_a_fraction_asks_recommend(digits):
    pruner = DataPruner(keep_fraction=None, tolerance=0.05).fit(*digits)
    assert pruner.recommendation_ is not None
    assert pruner.get_support().sum() == len(pruner.recommendation_.kept)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "all"}, "`metric` must be one of self_supervised_prototypes, .*; got 'all'"),
        ({"metric": "influence_max"}, "`metric` must be one of .*; got 'influence_max'"),
        ({"metric": ["margin"]}, r"`metric` must be one of .*; got \['margin'\]"),
        ({"random_state": None}, "`random_state` must be an integer, at least 0; got None"),
        ({"random_state": -1}, "`random_state` must be at least 0; got -1"),
        ({"keep_fraction": 2}, r"`keep_fraction` must be in \(0, 1\]; got 2"),
        ({"class_floor": "half"}, "`class_floor` must be a number; got 'half'"),
        ({"keep_fraction": None, "tolerance": None}, "`tolerance` must be a number; got None"),
    ],
    ids=["all", "test set", "list", "no seed", "seed", "fraction", "floor", "tolerance"],
)
def test_a_pruner_names_a_bad_parameter_before_the_work(digits, monkeypatch, options, message):
    monkeypatch.setattr("perceptron_pruning.embeddings.adapters.scikit_learn.score", None)
    with pytest.raises(ValueError, match=message):
        DataPruner(**options).fit(*digits)


@pytest.mark.filterwarnings("ignore")
def test_a_pruner_is_an_estimator():
    failed = [result for result in check_estimator(DataPruner(), on_fail=None) if result["status"] == "failed"]
    assert not failed, [(result["check_name"], result["exception"]) for result in failed]


def test_newcomers_are_scored_like_rows_that_were_not_seen(digits, tmp_path):
    rows, labels = digits
    path = reference(rows[:400], labels[:400]).save(tmp_path / "pool.npz")
    pool = Reference.load(path)
    wrong = labels[400:].copy()
    wrong[:20] = (wrong[:20] + 1) % 10
    scores = pool.score(rows[400:], wrong)
    assert {len(values) for values in scores.values()} == {200}
    assert np.median(scores["percentile"][:20]) > 0.9
    assert 0.3 < scores["percentile"][20:].mean() < 0.7
    assert np.all(np.abs(scores["margin_out_of_fold"]) <= 1)
    again = reference(rows[:400], labels[:400]).score(rows[400:], wrong)
    for name, values in scores.items():
        np.testing.assert_array_equal(again[name], values)


def test_bad_newcomers_are_named(digits, tmp_path):
    rows, labels = digits
    pool = reference(rows[:200], labels[:200])
    with pytest.raises(ValueError, match="`embeddings` must be 64 wide, as the pool; got 3"):
        pool.score(rows[:5, :3], labels[:5])
    with pytest.raises(ValueError, match="`labels` must be among those of the pool; got 77"):
        pool.score(rows[:2], [1, 77])
    with pytest.raises(ValueError, match="`embeddings` must be finite, and on the pool's scale; row 1 is not"):
        pool.score(np.where(np.arange(3)[:, None] == 1, np.nan, rows[:3]), labels[:3])
    with pytest.raises(ValueError, match=r"`path` must end in \.npz"):
        pool.save(tmp_path / "pool.npy")
    (tmp_path / "other.npz").write_bytes(b"none")
    with pytest.raises(ValueError, match="is no saved reference"):
        Reference.load(tmp_path / "other.npz")
    with pytest.raises(ValueError, match="`embeddings` must be finite, and on the pool's scale; row 0 is not"):
        pool.score(1e200 * rows[:2].astype(float), labels[:2])
    with pytest.raises(ValueError, match="`seed` must be an integer, at least 0; got None"):
        reference(rows[:20], labels[:20], seed=None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="`labels` must have two classes and 10 rows; got 1 and 20"):
        reference(rows[:20], np.zeros(20))


def test_a_reference_of_labels_in_words_is_saved(digits, tmp_path):
    rows, labels = digits
    names = np.array([f"digit {label}" for label in labels], object)  # as pandas holds them
    pool = reference(rows[:200], names[:200])
    again = Reference.load(pool.save(tmp_path / "pool.npz"))
    for name, values in again.score(rows[200:300], names[200:300]).items():
        np.testing.assert_array_equal(values, pool.score(rows[200:300], labels_as_text(names[200:300]))[name])


def labels_as_text(names):
    return np.array(names.tolist())


@pytest.mark.parametrize(
    "damage",
    [
        lambda parts: b"PK cut off",
        lambda parts: npz({**parts, "axes": parts["axes"][:3]}),
        lambda parts: npz({**parts, "margins": np.full(4, np.nan)}),
        lambda parts: npz({**parts, "present": np.zeros(())}),
        lambda parts: npz({**parts, "parameters": parts["parameters"].astype(str)}),
        lambda parts: npz(parts).replace(parts["margins"].tobytes(), bytes(parts["margins"].nbytes)),
        lambda parts: npy(parts["margins"]),
    ],
    ids=["cut off", "axes", "margins", "no axis", "text", "checksum", "an array"],
)
def test_a_damaged_reference_is_none(digits, tmp_path, damage):
    path = reference(digits[0][:200], digits[1][:200]).save(tmp_path / "pool.npz")
    with np.load(path) as stored:
        parts = dict(stored)
    path.write_bytes(damage(parts))
    with pytest.raises(ValueError, match="is no saved reference"):
        Reference.load(path)


def npz(parts):
    file = io.BytesIO()
    np.savez(file, **parts)
    return file.getvalue()


def npy(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def test_a_dataset_goes_in_and_out(digits):
    datasets = pytest.importorskip("datasets")
    from perceptron_pruning.embeddings.adapters.hugging_face import embeddings_of, kept_part, labels_of, with_scores

    rows, labels = digits
    dataset = datasets.Dataset.from_dict({"embedding": list(rows[:100]), "label": labels[:100].tolist()})
    scores = score(embeddings_of(dataset), labels_of(dataset), metrics="margin")
    expected = score(rows[:100], labels[:100], metrics="margin")
    np.testing.assert_allclose(scores["margin"], expected["margin"], atol=1e-5)
    part = kept_part(with_scores(dataset, scores), keep(scores["margin"], keep_fraction=0.3))
    assert len(part) == 30
    assert min(part["margin"]) >= np.sort(scores["margin"])[-30]
    with pytest.raises(ValueError, match="`column` must be one of embedding, label; got vector"):
        embeddings_of(dataset, "vector")
    with pytest.raises(ValueError, match="must hold one row of numbers an example"):
        embeddings_of(dataset, "label")
    with pytest.raises(ValueError, match="the column embedding must have a row at least; got none"):
        embeddings_of(dataset.select([]))
    with pytest.raises(ValueError, match="`scores` must be of the dataset's 99 rows; got 100"):
        with_scores(dataset.select(range(99)), scores)
    with pytest.raises(ValueError, match="`dataset` must have no column margin yet"):
        with_scores(with_scores(dataset, scores), scores)
    with pytest.raises(ValueError, match="row 1 of the column embedding must have 3 numbers"):
        score(embeddings_of(datasets.Dataset.from_dict({"embedding": [[1.0, 2.0, 3.0], None]})), metrics="random")


def test_rows_without_a_label_are_of_no_class():
    """Hugging Face writes -1 where a row has no label, which would index the last name."""
    datasets = pytest.importorskip("datasets")
    from perceptron_pruning.embeddings.adapters.hugging_face import labels_of

    features = datasets.Features({"label": datasets.ClassLabel(names=["cat", "dog"])})
    assert labels_of(datasets.Dataset.from_dict({"label": [0, -1, 1]}, features)).tolist() == ["cat", None, "dog"]
    assert labels_of(datasets.Dataset.from_dict({"label": [0, 1]}, features)).tolist() == ["cat", "dog"]


def test_a_mask_is_no_row_numbers(digits):
    """As numbers, a mask would name rows 0 and 1."""
    mask = DataPruner(keep_fraction=0.2).fit(*digits).get_support()
    with pytest.raises(ValueError, match="`kept` must be row numbers; got whether each row is kept"):
        checked_rows(mask, 600)
    for wrong in (np.array([[1]]), np.array([0.5]), np.array(["a"])):
        with pytest.raises(ValueError, match=r"`kept` must be row numbers, \(m,\)"):
            checked_rows(wrong, 600)
    datasets = pytest.importorskip("datasets")
    from perceptron_pruning.embeddings.adapters.hugging_face import kept_part

    dataset = datasets.Dataset.from_dict({"label": [3, 4]})
    with pytest.raises(ValueError, match="`kept` must be row numbers; got whether"):
        kept_part(dataset, np.array([False, True]))
    with pytest.raises(ValueError, match=r"`kept` must be in 0..1; got -1..-1"):
        kept_part(dataset, np.array([-1]))


def test_a_subset_of_a_torch_dataset():
    torch = pytest.importorskip("torch")
    dataset = torch.utils.data.TensorDataset(torch.arange(10))
    assert [int(row[0]) for row in kept_subset(dataset, np.array([1, 5]))] == [1, 5]


def test_rows_beyond_a_torch_dataset_are_named(monkeypatch):
    with pytest.raises(ValueError, match=r"`kept` must be in 0..9; got 3..10"):
        kept_subset(range(10), np.array([3, 10]))
    with pytest.raises(ValueError, match="`kept` must name each row once; got 1 repeats"):
        kept_subset(range(10), np.array([3, 3]))
    imported = builtins.__import__

    def without_torch(name, *arguments, **named):
        if name.startswith("torch"):
            raise ImportError(name)
        return imported(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    with pytest.raises(ImportError, match="`kept_subset` needs PyTorch: pip install"):
        kept_subset(range(10), np.array([3]))
