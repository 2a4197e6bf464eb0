"""What a host computes by BLAS is what JAX's programs compute, to rounding; and half precision is widened exactly."""

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from perceptron_pruning.embeddings import HeadSettings, RidgeSettings, ScoreSettings, score
from perceptron_pruning.embeddings.io.npy import npy_shard
from perceptron_pruning.embeddings.io.precision import in_precision
from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.io.shards import runs_of
from perceptron_pruning.embeddings.metrics import ensemble, head_ensemble
from perceptron_pruning.embeddings.metrics.host_heads import train_on_host
from perceptron_pruning.embeddings.metrics.host_measurements import HostTrainedHeads
from perceptron_pruning.embeddings.metrics.memorization import leverage
from perceptron_pruning.embeddings.runtime import devices
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles

METRICS = [
    "supervised_prototypes",
    "el2n",
    "el2n_1",
    "grand",
    "forgetting",
    "ddd",
    "active_learning_entropy",
    "active_learning_mutual_information",
    "memorization",
    "memorization_subsets",
]
EVERY_HALF = np.arange(2**16, dtype=np.uint16).view(np.float16)


def pool(dtype, n_classes: int = 7, d: int = 33):
    """700 rows of overlapping classes: neither the rows nor the features fill a batch or a tile."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, n_classes, 700)
    rows = rng.standard_normal((700, d)) + 1.2 * rng.standard_normal((n_classes, d))[labels] + 3
    return rows.astype(dtype), labels


@pytest.fixture
def on_an_accelerator(monkeypatch):
    """A switch after which the programs for accelerators run, on whatever JAX has."""

    def switch() -> None:
        monkeypatch.setattr(devices.jax, "default_backend", lambda: "gpu")
        assert not devices.is_host()

    return switch


@pytest.mark.parametrize(
    ("dtype", "allowed"), [(np.float16, 1e-5), (np.float32, 1e-5), (np.float64, 1e-13)], ids=["fp16", "fp32", "fp64"]
)
@pytest.mark.parametrize("n_classes", [2, 7, 70], ids=lambda count: f"{count} classes")
def test_a_host_scores_as_an_accelerator_does(on_an_accelerator, monkeypatch, dtype, allowed, n_classes):
    monkeypatch.setattr(ensemble, "HEAD_BY_HEAD_CLASSES", 2)
    rows, labels = pool(dtype, n_classes)
    settings = ScoreSettings(heads=HeadSettings(n_models=5, epochs=4), ridge=RidgeSettings(rounds=2))
    assert devices.is_host()
    here = score(rows, labels, metrics=METRICS, settings=settings)
    on_an_accelerator()
    there = score(rows, labels, metrics=METRICS, settings=settings)
    for name in METRICS:
        assert np.ptp(there[name]) > 0
        part_of = "active_learning_entropy" if name == "active_learning_mutual_information" else name
        apart = np.abs(here[name] - there[name]) / np.abs(there[part_of]).max()
        if name in ("forgetting", "ddd"):
            assert np.mean(apart > allowed) < 0.005  # a head of five may be right by a rounding
        else:
            assert apart.max() < allowed, name


def test_steps_on_rows_that_no_bootstrap_has_drawn_are_those_of_an_accelerator(on_an_accelerator, monkeypatch):
    """A batch of two rows has one chance in seven that a head has drawn neither; its momentum goes on."""
    monkeypatch.setattr(ensemble, "HEAD_BY_HEAD_CLASSES", 2)
    rows, labels = pool(np.float64)
    settings = ScoreSettings(heads=HeadSettings(n_models=4, epochs=2, early_epochs=1, batch_rows=2, learning_rate=0.02))
    here = score(rows, labels, metrics=["el2n", "grand", "active_learning_entropy"], settings=settings)
    on_an_accelerator()
    there = score(rows, labels, metrics=["el2n", "grand", "active_learning_entropy"], settings=settings)
    for name, values in here.items():
        assert np.ptp(values) > 0.1
        np.testing.assert_allclose(values, there[name], rtol=1e-11, err_msg=name)


def test_leverages_are_those_of_an_accelerator(on_an_accelerator):
    rows, labels = pool(np.float64, d=300)
    context = score(rows, labels, metrics="random").context
    here = leverage(context)
    on_an_accelerator()
    np.testing.assert_allclose(here, leverage(context), rtol=1e-10)


def test_a_host_scores_the_same_bits_on_any_number_of_cores(monkeypatch):
    rows, labels = pool(np.float32, n_classes=40)
    names = [*METRICS, "margin"]
    settings = ScoreSettings(heads=HeadSettings(n_models=4, epochs=3), ridge=RidgeSettings(rounds=2))

    def on_cores(count: int):
        monkeypatch.setattr("perceptron_pruning.parallel.cores.usable_cores", lambda: count)
        return score(rows, labels, metrics=names, settings=settings)

    one = on_cores(1)
    for other in (on_cores(2), on_cores(5)):
        for name in names:
            np.testing.assert_array_equal(one[name], other[name])


def test_every_half_precision_number_is_widened_exactly():
    finite = EVERY_HALF[np.isfinite(EVERY_HALF)]
    assert finite.size == 2**16 - 2**11
    for numbers in (finite, EVERY_HALF, np.tile(finite, 3)[::2], finite.astype(">f2"), finite[:0]):
        widened = in_precision(numbers, np.dtype(np.float32))
        assert widened.dtype == np.float32
        np.testing.assert_array_equal(widened.view(np.uint32), numbers.astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float32, np.float64, np.int8], ids=str)
def test_other_numbers_are_converted_as_numpy_does(dtype):
    numbers = np.arange(-40, 60).astype(dtype).reshape(20, 5)
    for wanted in (np.float32, np.float64):
        np.testing.assert_array_equal(in_precision(numbers, np.dtype(wanted)), numbers.astype(wanted))


@pytest.mark.parametrize("dtype", [np.float16, np.float32], ids=str)
def test_scattered_rows_of_files_are_those_that_are_read(tmp_path, dtype):
    rng = np.random.default_rng(0)
    tables = [rng.standard_normal((count, 6)).astype(dtype) for count in (40, 1, 25)]
    shards = []
    for number, table in enumerate(tables):
        np.save(tmp_path / f"{number}.npy", table)
        shards.append(npy_shard(tmp_path / f"{number}.npy"))
    whole, all_rows = np.vstack(tables), Rows(tuple(shards))
    for rows, values in ((all_rows, whole), (Rows(tuple(shards), start=30, stop=60), whole[30:60])):
        for chosen in ([0], [3, 4, 5, 9, len(values) - 1], range(len(values)), range(1, len(values), 7), []):
            indices = np.array(chosen, int)
            taken, narrow = rows.take(indices), rows.take_narrow(indices)
            assert (taken.dtype, narrow.dtype) == (np.float32, dtype)
            np.testing.assert_array_equal(taken, values[indices].astype(np.float32))
            np.testing.assert_array_equal(narrow, values[indices])


def test_a_file_that_is_cut_off_under_scattered_rows_is_named(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.zeros((50, 6), np.float16))
    rows = Rows((npy_shard(path),))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 30)
    with pytest.raises(ValueError, match=r"rows\.npy` was cut off while it was read, between rows 47 and 50"):
        rows.take(np.array([1, 2, 30, 47, 48, 49]))


def test_runs_are_neighbours():
    assert runs_of(np.array([2, 3, 4, 7, 9, 10])) == [(2, 5), (7, 8), (9, 11)]
    assert runs_of(np.array([5])) == [(5, 6)]


def test_tiles_come_back_in_order():
    spans = on_tiles(lambda span: span.stop - span.start, 1000, tile_rows=300)
    assert [(span.start, span.stop, count) for span, count in spans] == [
        (0, 300, 300),
        (300, 600, 300),
        (600, 900, 300),
        (900, 1000, 100),
    ]
    with pytest.raises(ZeroDivisionError, match="by zero"):
        on_tiles(lambda span: 1 // span.start, 10, tile_rows=5)


@pytest.mark.parametrize("own", [slice(0, 3), slice(2, 5), slice(3, 4)], ids=str)
def test_a_head_is_the_same_whichever_its_process_trains_beside_it(own):
    """Two heads pick their features together; that one of them is elsewhere must not change a bit of the other."""
    rng = np.random.default_rng(3)
    masks, classes = rng.random((30, 5)) < 0.5, rng.integers(0, 40, 500)
    masks[:, 0] = True
    values, bootstrap = rng.standard_normal((500, 30)).astype(np.float32), rng.poisson(1.0, (500, 5)).astype(np.uint8)

    def trained(heads: slice) -> tuple[head_ensemble.Ensemble, np.ndarray]:
        places = np.minimum(np.arange(512).reshape(8, 64), 499)
        group = head_ensemble.TrainingGroup(
            values=values,
            classes=classes,
            bootstrap=bootstrap[:, heads],
            batches=places,
            valid=np.arange(512).reshape(8, 64) < 500,
            rates=np.linspace(1, 0.5, 8, dtype=np.float32),
        )
        scaling = head_ensemble.InputScaling(mean=jnp.asarray(values.mean(axis=0)), unit=jnp.float32(30**-0.5))
        count = heads.stop - heads.start
        shapes = (30, count, 40), (count, 40)
        zeros = head_ensemble.Ensemble(*(np.zeros(shape, np.float32) for shape in (*shapes, *shapes)))
        return train_on_host(zeros, group, masks, heads, scaling, 0.9)

    (whole, whole_right), (part, right) = trained(slice(0, 5)), trained(own)
    assert np.ptp(part.weights) > 0
    assert not part.weights[~masks[:, own]].any()
    np.testing.assert_array_equal(part.weights, whole.weights[:, own])
    np.testing.assert_array_equal(part.weight_momentum, whole.weight_momentum[:, own])
    np.testing.assert_array_equal(part.bias, whole.bias[own])
    np.testing.assert_array_equal(right, whole_right[:, own])


def test_heads_whose_logits_are_no_numbers_are_wrong():
    shapes = (4, 2, 40), (2, 40)
    diverged = head_ensemble.Ensemble(*(np.full(shape, np.nan, np.float32) for shape in (*shapes, *shapes)))
    scaling = head_ensemble.InputScaling(mean=jnp.zeros(4, jnp.float32), unit=jnp.float32(0.5))
    heads = HostTrainedHeads(diverged, np.ones((4, 2), bool), scaling)
    wrong, entropy, _ = heads.disagreement(np.ones((3, 4), np.float32), np.array([0, 1, 39]))
    np.testing.assert_array_equal(wrong, 1.0)
    assert np.isnan(entropy).all()
