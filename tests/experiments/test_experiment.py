"""`experiment`: the protocol, survival, and the table."""

from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.cli import app
from perceptron_pruning.commands.experiment import experiment_command
from perceptron_pruning.datasets.loaders import load_fashion_mnist_resnet
from perceptron_pruning.embeddings import Embeddings, load_fashion_mnist
from perceptron_pruning.experiments import Plan, experiment, pools, source_of
from perceptron_pruning.experiments.pools import PoolScores, pool_of, standardise
from perceptron_pruning.experiments.retraining import Retraining
from perceptron_pruning.experiments.run import study
from perceptron_pruning.experiments.source import _LOADED
from perceptron_pruning.studies import StoreError
from perceptron_pruning.studies.status import status
from perceptron_pruning.studies.store import Store

PLAN = Plan(pool_sizes=(100, 200), keep_fractions=(0.5, 1.0), class_floors=(0.5, 0.0), n_seeds=2)


class Here:
    """An executor that computes at once, in this process."""

    def submit(self, fn, /, *args):
        from concurrent.futures import Future

        future = Future()
        try:
            future.set_result(fn(*args))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def source():
    return source_of("fashion-mnist")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("experiment")


@pytest.fixture(scope="module")
def table(source, folder):
    return experiment(source, PLAN, folder, executor=Here())


def test_a_whole_pool_is_the_same_for_every_rule(table):
    whole = table.test_error.sel(keep_fraction=1.0)
    assert np.all(whole == whole.isel(rule=0, class_floor=0))
    assert not np.all(table.test_error.sel(keep_fraction=0.5, rule="hard") == whole)


def test_every_cell_is_computed_once():
    plan = replace(PLAN, metrics=("margin", "el2n"), rules=("hard",))
    # each size: random at 2 floors, hard at 2 floors of 2 metrics, the whole pool once
    assert len(plan.cells) == len(set(plan.cells)) == 2 * (2 + 4 + 1)


def test_called_again_it_computes_nothing(source, folder, table):
    class Nobody:
        def submit(self, *_):
            raise AssertionError("there is nothing left to do")

    again = experiment(source, PLAN, folder, executor=Nobody())
    assert again.identical(table)


def test_another_plan_is_refused(source, folder, table):
    with pytest.raises(StoreError, match="has another study"):
        experiment(source, replace(PLAN, keep_fractions=(0.4, 1.0)), folder, executor=Here())


def test_stopped_in_the_middle_it_ends_with_the_same_numbers(source, table, tmp_path, monkeypatch):
    written = []

    def write(store, *task):
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(task)
        return whole(store, *task)

    whole = Store.write
    monkeypatch.setattr(Store, "write", write)
    with pytest.raises(KeyboardInterrupt):
        experiment(source, PLAN, tmp_path, executor=Here(), task_seconds=0.01)
    monkeypatch.undo()
    assert 0 < status(tmp_path / "results.zarr").share_done < 1
    assert experiment(source, PLAN, tmp_path, executor=Here()).test_error.identical(table.test_error)


def test_arrays_serve_as_well_as_files(table, tmp_path):
    data = load_fashion_mnist()
    small = replace(PLAN, pool_sizes=(100,), class_floors=(0.5,))
    found = experiment(data, small, tmp_path, executor=Here())
    expected = table.test_error.sel(pool_size=[100], class_floor=[0.5])
    np.testing.assert_array_equal(found.test_error, expected)


def test_influence_sees_no_test_row(source, tmp_path):
    """Other test rows leave the ranking as it is; its validation rows are in no pool."""
    plan = Plan(pool_sizes=(200,), keep_fractions=(0.5,), metrics=("influence_max",), n_validation=500)
    retraining = study(source, plan, tmp_path).function
    assert isinstance(retraining, Retraining)
    scores = retraining.scores
    pool = pool_of(source, 200, 0, 500)
    blind = replace(pool, test_inputs=np.zeros((0, 256)), test_labels=np.zeros(0, int))
    (tmp_path / "blind").mkdir()
    elsewhere = replace(scores, folder=tmp_path / "blind")
    np.testing.assert_array_equal(scores.of("influence_max", pool), elsewhere.of("influence_max", blind))
    pooled = {row.tobytes() for row in pool.inputs.round(6)}
    assert len(pool.validation_inputs) == 500
    assert not pooled & {row.tobytes() for row in pool.validation_inputs.round(6)}


def test_kept_scores_are_read_not_computed(source, tmp_path, monkeypatch):
    scores = PoolScores(metrics=("el2n", "el2n_1"), folder=tmp_path)
    pool = pool_of(source, 100, 0, 0)
    first = scores.of("el2n", pool)
    assert not np.array_equal(scores.of("el2n_1", pool), first)  # of one family, and so of one file
    monkeypatch.setattr(pools, "_scored", None)
    np.testing.assert_array_equal(scores.of("el2n", pool), first)
    (path,) = tmp_path.glob("*.npy")
    np.testing.assert_array_equal(np.load(path)[0], first)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: b"",
        lambda file: file[:-40],
        lambda file: file[:300] + bytes(64) + file[364:],
        lambda file: b"no array",
    ],
    ids=["empty", "cut", "zeros", "text"],
)
def test_damaged_scores_are_computed_anew(damage, source, tmp_path):
    scores = PoolScores(metrics=("el2n",), folder=tmp_path)
    pool = pool_of(source, 100, 0, 0)
    first = scores.of("el2n", pool)
    (path,) = tmp_path.glob("*.npy")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    np.testing.assert_array_equal(scores.of("el2n", pool), first)
    assert path.read_bytes() == whole


@pytest.fixture
def places(tmp_path):
    """Files of three named classes."""
    rng = np.random.default_rng(0)
    for name, rows in (("train", 60), ("test", 30)):
        np.save(tmp_path / f"{name}.npy", rng.standard_normal((rows, 5)).astype(np.float32))
        np.save(tmp_path / f"{name}_labels.npy", np.array(["dog", "cat", "eel"])[np.arange(rows) % 3])
    return [str(tmp_path / f"{name}.npy") for name in ("train", "train_labels", "test", "test_labels")]


def test_files_that_change_are_refused(places):
    """As another process would find them."""
    made = source_of(*places)
    np.save(places[0], np.zeros((60, 5)))
    _LOADED.pop(made.digest)
    with pytest.raises(ValueError, match=r"train\.npy` and its companions must not change"):
        made.load()


def test_labels_of_any_kind(places, tmp_path):
    data = source_of(*places).load()
    assert list(data.train_labels[:3]) == list(data.test_labels[:3]) == [1, 0, 2]
    np.save(places[3], np.array(["dog"] * 29 + ["fox"]))
    with pytest.raises(ValueError, match="`test_labels` must be among `labels`; got fox"):
        source_of(*places)
    np.save(tmp_path / "bad.npy", np.full((60, 5), np.nan))
    with pytest.raises(ValueError, match=r"`embeddings` must be finite; .*bad\.npy.* is not \(60 such rows\)"):
        source_of(str(tmp_path / "bad.npy"), *places[1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pool_sizes": ()}, "`pool_sizes` must have values"),
        ({"pool_sizes": (100, 100)}, "`pool_sizes` must have values, all different"),
        ({"pool_sizes": (1,)}, "`pool_sizes` and `n_seeds` must be at least 2"),
        ({"keep_fractions": (1.5,)}, r"`keep_fraction` must be in \(0, 1\]; got 1.5"),
        ({"metrics": ("el3n",)}, "`metrics` must be among"),
        ({"metrics": ("random",)}, "`metrics` must name another than random"),
        ({"students": ("forest",)}, "`students` must be among"),
        ({"class_floors": (2.0,)}, r"`class_floors` must be in \[0, 1\]"),
        ({"n_seeds": 1}, "`n_seeds` must be at least 2"),
        ({"metrics": ("all",)}, "`n_validation` must be > 0 for the metric influence_max; got 0"),
    ],
    ids=[
        "no pool",
        "twice",
        "pool of one",
        "fraction",
        "metric",
        "chance",
        "student",
        "floor",
        "one seed",
        "no validation",
    ],
)
def test_refused_plans(change, message):
    with pytest.raises(ValueError, match=message):
        replace(PLAN, **change)


@pytest.mark.parametrize("scale", [1e200, 1e-200], ids=["huge", "tiny"])
def test_inputs_of_any_unit_are_standardised(scale):
    rows = np.random.default_rng(0).standard_normal((20, 3))
    np.testing.assert_allclose(standardise(scale * rows, scale * rows), standardise(rows, rows), rtol=1e-12)


def test_a_power_of_two_changes_no_bit_of_standardised_inputs():
    rows = np.random.default_rng(0).standard_normal((20, 3))
    plain = (rows - rows.mean(axis=0)) / np.sqrt(np.mean((rows - rows.mean(axis=0)) ** 2))
    np.testing.assert_array_equal(standardise(rows, rows), plain)
    np.testing.assert_array_equal(standardise(2.0**600 * rows, 2.0**600 * rows), plain)


def test_a_file_is_no_folder_for_the_command(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(ValueError, match=r"`--output` must be a folder; .*out is a file"):
        experiment_command(output=tmp_path / "out")


def test_pools_larger_than_the_data_are_refused(source, tmp_path):
    with pytest.raises(ValueError, match=r"`pool_sizes` must be at most 14900, .*; got 15000"):
        experiment(source, replace(PLAN, pool_sizes=(15_000,), n_validation=100), tmp_path)


def test_unknown_data_are_refused():
    with pytest.raises(ValueError, match=r"`embeddings` must be one of fashion-mnist, .*, or come with .*; got x\.npy"):
        source_of("x.npy")


def test_resnet_embeddings_show_the_same_images():
    first, second = load_fashion_mnist(), load_fashion_mnist_resnet()
    np.testing.assert_array_equal(first.train_labels, second.train_labels)
    np.testing.assert_array_equal(first.test_labels, second.test_labels)
    assert second.train_embeddings.shape == (15_000, 128)
    assert set(second.provenance) >= {"images", "network", "recipe", "sha256"}
    weights = "74b7c0374425c2b324f73b134f8a7254eab9bbddc9e452a22d934b8c17015ad2"
    assert second.provenance["sha256"]["weights"] == weights


def test_the_command(tmp_path, capsys):
    data, rng = load_fashion_mnist(), np.random.default_rng(0)
    rows = rng.choice(15_000, 400, replace=False)
    small = Embeddings(
        train_embeddings=data.train_embeddings[rows, :20],
        train_labels=data.train_labels[rows],
        test_embeddings=data.test_embeddings[:300, :20],
        test_labels=data.test_labels[:300],
        provenance={},
    )
    for name in ("train_embeddings", "train_labels", "test_embeddings", "test_labels"):
        np.save(tmp_path / f"{name}.npy", getattr(small, name))
    command = (
        f"experiment {tmp_path}/train_embeddings.npy --labels {tmp_path}/train_labels.npy "
        f"--test-embeddings {tmp_path}/test_embeddings.npy --test-labels {tmp_path}/test_labels.npy "
        f"--pool-sizes 100 200 --students ridge --seeds 5 --workers 1 --output {tmp_path}/out"
    )
    assert app(command, result_action="return_value") == 0
    shown = capsys.readouterr().out
    assert "Keeping hard hurts when data are scarce" in shown
    lines = (tmp_path / "out" / "means.csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 2 * 3
    assert lines[0].startswith("student,metric,rule,class_floor,pool_size,keep_fraction,kept,test_error")
    assert (
        "| ridge, margin, f = 0.25 | error of random − error of hard, 100 in the pool: "
        in (tmp_path / "out" / "findings.md").read_text()
    )
    whole = [line.split(",") for line in lines[1:] if line.split(",")[4:6] == ["200", "1.0"]]
    assert {row[2] for row in whole} == {"random", "hard", "easy"}
    assert {tuple(row[7:]) for row in whole} == {(*whole[0][7:9], "0", "0", "5")}
