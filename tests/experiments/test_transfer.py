"""Transfer and end-to-end students in experiments: who sees what, refusals, verdicts that turn, figures."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from perceptron_pruning.cli import app
from perceptron_pruning.datasets.loaders import load_fashion_mnist_images
from perceptron_pruning.embeddings import load_fashion_mnist
from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED, UNDECIDED
from perceptron_pruning.experiments import STUDENTS, Plan, Target, experiment, source_of, transfer
from perceptron_pruning.experiments.analysis.transfer_claims import judge_transfer
from perceptron_pruning.experiments.pools import PoolScores, pool_of
from perceptron_pruning.experiments.students.resnet import ResNet
from perceptron_pruning.experiments.students.two_layer import TwoLayer
from perceptron_pruning.experiments.transfer import Transfer

PLAN = Plan(pool_sizes=(120,), keep_fractions=(0.5, 1.0), students=("two_layer",), n_seeds=2)


@pytest.fixture(scope="module", autouse=True)
def tiny():
    """Recipes of seconds, under the names that plans know."""
    known = dict(STUDENTS)
    STUDENTS.update(two_layer=TwoLayer(width=16, steps=50), resnet=ResNet(widths=(4, 8), steps=50, batch=32))
    yield
    STUDENTS.update(known)


@pytest.fixture(scope="module")
def source():
    return source_of("fashion-mnist-pixels")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("transfer")


@pytest.fixture(scope="module")
def table(source, folder):
    with ThreadPoolExecutor(1) as here:
        return transfer(source, PLAN, folder, executor=here)


def function_of(source, folder, target=None):
    scores = PoolScores(metrics=("margin",), folder=folder)
    return Transfer(source=source, scores=scores, n_validation=0, target=target or Target())


def test_numbers_are_errors_that_pruning_changes(table):
    assert set(table.data_vars) == {"test_error", "untrained_error", "source_error"}
    assert bool(((table.test_error > 0) & (table.test_error < 0.8)).all())  # chance: 0.8
    assert np.all(table.untrained_error.std(["rule", "keep_fraction"]) < 1e-12)
    part, whole = table.test_error.sel(keep_fraction=0.5), table.test_error.sel(keep_fraction=1.0)
    assert np.all(whole == whole.isel(rule=0))
    assert not np.any(part.sel(rule="hard") == whole.sel(rule="hard"))


def test_called_again_it_computes_nothing(source, folder, table):
    class Nobody:
        def submit(self, *_):
            raise AssertionError("there is nothing left to do")

    assert transfer(source, PLAN, folder, executor=Nobody()).identical(table)


def test_pretraining_sees_no_target_class(source, folder):
    for seed in range(3):
        sources, targets = Target().classes(10, seed)
        assert sorted([*sources, *targets]) == list(range(10))
        pool = pool_of(source, 200, seed, 100, tuple(sources))
        assert set(pool.labels) == set(sources)
        assert set(pool.validation_labels) == set(sources)
        for shots in function_of(source, folder, Target(draws=2)).drawn(pool, targets):
            assert list(np.bincount(pool.data.train_labels[shots], minlength=10)[targets]) == [10] * 5
    assert {tuple(Target().classes(10, seed)[1]) for seed in range(5)} != {tuple(targets)}


def test_a_plain_pool_is_what_it_was(source):
    """Restricting to all classes changes nothing."""
    np.testing.assert_array_equal(pool_of(source, 50, 1, 0).rows, pool_of(source, 50, 1, 0, tuple(range(10))).rows)


@pytest.mark.parametrize(
    ("plan", "target", "message"),
    [
        ({}, {"n_classes": 9}, r"`n_classes` must be in \[2, 8\]"),
        ({}, {"shots": 0}, r"`shots` in \[1, \d+\] and `draws` >= 1; got 5, 0 and 10"),
        (
            {"pool_sizes": (9000,)},
            {},
            r"`pool_sizes` must be at most 7\d\d\d, the rows of the source classes; got 9",
        ),
        ({"students": ("ridge",)}, {}, "`students` must have a body to transfer, as two_layer, resnet"),
    ],
    ids=["too many targets", "no shot", "pool", "no network"],
)
def test_refused_targets(source, tmp_path, plan, target, message):
    with pytest.raises(ValueError, match=message):
        transfer(source, replace(PLAN, **plan), tmp_path, target=Target(**target))


@pytest.mark.slow
def test_all_students_get_the_same_rows(source, tmp_path):
    """A network on pixels is trained on the images behind the very embeddings that a head gets."""
    data = load_fashion_mnist(images=True)
    pool = pool_of(source, 60, 0, 0)
    np.testing.assert_array_equal(data.train_labels[pool.rows], pool.labels)
    seen, tested = pool.seen_by(STUDENTS["resnet"])
    pixels = data.pixels.train[pool.rows].astype(np.float64)
    assert seen.mean(axis=0) == pytest.approx(0, abs=1e-5)
    order = np.corrcoef(seen.ravel(), (pixels - pixels.mean(axis=0)).ravel())[0, 1]
    assert order == pytest.approx(1, abs=1e-6)
    assert len(tested) == len(pool.test_labels)
    plan = Plan(pool_sizes=(60,), keep_fractions=(0.5,), students=("softmax", "resnet"), rules=("hard",), n_seeds=2)
    with ThreadPoolExecutor(1) as here:
        table = experiment(source, plan, tmp_path, executor=here)
    errors = table.test_error.sel(rule="hard").squeeze()
    assert bool((errors.sel(student="resnet") > errors.sel(student="softmax")).all())  # few pixels teach less


@pytest.mark.slow
def test_images_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    names = ["train", "labels", "test", "test_labels", "images", "test_images"]
    labels = np.arange(40) % 4
    arrays = [rng.standard_normal((40, 5)), labels, rng.standard_normal((20, 5)), labels[:20]]
    arrays += [rng.integers(256, size=(rows, 8, 8, 3), dtype=np.uint8) for rows in (40, 20)]
    for name, values in zip(names, arrays, strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    places = [str(tmp_path / f"{name}.npy") for name in names]
    made = source_of(*places)
    assert made.digest != source_of(*places[:4]).digest
    np.testing.assert_array_equal(made.load().pixels.train, arrays[4])
    plan = Plan(pool_sizes=(20,), keep_fractions=(0.5,), students=("resnet",), n_seeds=2)
    with ThreadPoolExecutor(1) as here:
        from_files = experiment(made, plan, tmp_path / "files", executor=here)
        from_arrays = experiment(made.load(), plan, tmp_path / "arrays", executor=here)
    assert from_files.test_error.identical(from_arrays.test_error)
    with pytest.raises(ValueError, match="`images` must be given for students that see pixels"):
        experiment(source_of(*places[:4]), plan, tmp_path / "none")
    with pytest.raises(ValueError, match=r"`test_images` must have shape \(20, height, width\) or .*; got \(40, 8"):
        source_of(*places[:5], places[4])
    np.save(tmp_path / "small.npy", np.zeros((20, 4, 4, 3)))
    with pytest.raises(ValueError, match=r"`test_images` must be \(8, 8, 3\) each, as `images`; got \(4, 4, 3\)"):
        source_of(*places[:5], str(tmp_path / "small.npy"))
    np.save(tmp_path / "nan.npy", np.full((40, 8, 8, 3), np.nan))
    with pytest.raises(ValueError, match=r"`images` must be finite numbers; .*nan\.npy has others"):
        source_of(*places[:4], str(tmp_path / "nan.npy"), places[5])


def test_packaged_pixels_are_those_behind_the_embeddings():
    """Nearest neighbours in pixels share their label; the files they come from have the embeddings' checksums."""
    data = load_fashion_mnist(images=True)
    images = load_fashion_mnist_images()
    assert images.train.shape == (15_000, 28, 28)
    assert images.test.shape == (5_000, 28, 28)
    assert images.provenance["sha256"].items() <= data.provenance["sha256"].items()
    flat = images.train[:1200].reshape(1200, -1).astype(np.float32)
    distances = ((flat[:200, None] - flat[None, 200:]) ** 2).sum(axis=2)
    nearest = data.train_labels[200:1200][distances.argmin(axis=1)]
    assert np.mean(nearest == data.train_labels[:200]) > 0.7


def known(loss, gain, *, untrained=0.3, noise=0.001, seeds=5) -> xr.Dataset:
    """A transfer table: hard loses ``loss`` against all, and gains ``gain`` over random."""
    rng = np.random.default_rng(0)
    rules = ["random", "hard", "easy"]
    part = np.array([0.2 + loss + gain, 0.2 + loss, 0.25])
    errors = np.stack([part, np.full(3, 0.2)], axis=1)[..., None] + noise * rng.standard_normal((3, 2, seeds))
    errors[:, 1] = errors[0, 1]
    dims = ("rule", "keep_fraction", "seed")
    labels = {"rule": rules, "keep_fraction": [0.5, 1.0], "seed": np.arange(seeds)}
    table = xr.Dataset(
        {"test_error": (dims, errors), "untrained_error": (dims, np.full_like(errors, untrained))}, labels
    ).expand_dims(student=["resnet"], metric=["margin"], class_floor=[0.5], pool_size=[1000])
    return table.assign_coords(kept=(("pool_size", "keep_fraction"), [[500, 1000]]))


@pytest.mark.parametrize(
    ("loss", "gain", "untrained", "verdicts"),
    [
        (0.0, 0.02, 0.3, [CONFIRMED, CONFIRMED, CONFIRMED]),
        (0.03, 0.0, 0.3, [CONFIRMED, REFUTED, UNDECIDED]),
        (0.01, -0.02, 0.1, [REFUTED, UNDECIDED, REFUTED]),
        (0.0, 0.0, 0.205, [CONFIRMED, UNDECIDED, UNDECIDED]),
    ],
    ids=["as well", "as random", "worse", "as well without pretraining"],
)
def test_verdicts_turn(loss, gain, untrained, verdicts):
    assert [v.verdict for v in judge_transfer(known(loss, gain, untrained=untrained))] == verdicts
    assert {v.verdict for v in judge_transfer(known(loss, gain, seeds=4))} == {UNDECIDED}


def test_the_command(tmp_path, capsys):
    command = (
        "experiment fashion-mnist --target-classes 5 --pool-sizes 100 --keep-fractions 0.5 1 --students two_layer "
        f"--seeds 2 --workers 0 --output {tmp_path}"
    )
    assert app(command, result_action="return_value") == 0
    assert "Pretraining on the hardest examples transfers" in capsys.readouterr().out
    assert len((tmp_path / "means.csv").read_text().splitlines()) == 1 + 3 * 2
