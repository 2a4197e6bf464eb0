"""The simulation sweep: its numbers, its labels, and that nothing but the grid decides them."""

import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from inspect import signature
from multiprocessing import get_context

import numpy as np
import pytest
import xarray as xr
from threadpoolctl import threadpool_limits

from perceptron_pruning import compare, simulate, sweep
from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.studies import StoreError
from perceptron_pruning.studies.dataset import write_netcdf
from perceptron_pruning.studies.status import status
from perceptron_pruning.studies.store import Store
from perceptron_pruning.sweeps import Cell, CellList, Grid, compare_sweep, read_sweep
from perceptron_pruning.sweeps.config import grid_of
from perceptron_pruning.sweeps.sweep import OUTPUTS
from replica_theory import (
    EmpiricalRisk,
    GradientProbe,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    TrainedProbe,
)

SMALL = Grid(
    alpha_prune=(0.5, 2.0),
    selection=(KeepHardest(0.3), KeepRandom(0.5)),
    probe_angle=(0.0, math.radians(10)),
    n_features=20,
    n_trials=5,
)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "small.zarr"
    with ThreadPoolExecutor(1) as here:
        return path, sweep(SMALL, path, executor=here)


def same(first, second):
    """Bit for bit, labels and all."""
    xr.testing.assert_identical(first, second)
    for name in OUTPUTS:
        assert first[name].values.tobytes() == second[name].values.tobytes()


def test_each_cell_is_what_simulate_gives(swept):
    for cell in SMALL.cells:
        point = {"alpha_prune": cell.alpha_prune, "probe_angle": cell.probe_angle, "selection": repr(cell.selection)}
        dataset = swept[1].sel(point).squeeze()
        expected = simulate(
            cell.alpha_prune,
            selection=cell.selection,
            probe_angle=cell.probe_angle,
            n_features=20,
            n_trials=5,
            seed=int(dataset.seed),
        )
        for name in OUTPUTS:
            np.testing.assert_array_equal(dataset[name], getattr(expected, name))


def test_labels_follow_the_axes(swept):
    data = swept[1]
    assert data.generalization_error.dims[:3] == ("alpha_prune", "selection", "probe_angle")
    assert data.generalization_error.dims[-1] == "trial"
    assert data.keep_fraction.dims == ("selection",)
    np.testing.assert_allclose(data.alpha_total, data.alpha_prune / data.keep_fraction, rtol=1e-15)
    np.testing.assert_allclose(data.probe_angle_degrees, [0, 10])
    assert data.done.all()


def test_a_second_call_reads_and_computes_nothing(swept):
    with ThreadPoolExecutor(1) as executor:
        executor.shutdown()
        same(sweep(SMALL, swept[0], executor=executor), swept[1])


@pytest.mark.parametrize("task_seconds", [1e-4, 1e-3, 1e3], ids=["trial by trial", "in parts", "all in one"])
def test_neither_chunks_nor_workers_change_a_bit(swept, tmp_path, task_seconds):
    with ThreadPoolExecutor(3) as threads:
        same(sweep(SMALL, tmp_path / "s.zarr", executor=threads, task_seconds=task_seconds), swept[1])


def test_neither_do_processes(swept, tmp_path):
    with ProcessExecutor(2) as workers, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        same(sweep(SMALL, tmp_path / "own.zarr", executor=workers, task_seconds=1e-3), swept[1])
        same(sweep(SMALL, tmp_path / "pool.zarr", executor=pool), swept[1])


def test_linear_algebra_on_more_threads_would_change_the_last_bits_and_is_kept_to_one(tmp_path):
    grid = Grid(alpha_prune=4.0, selection=KeepHardest(0.3), n_features=400, n_trials=2)
    stores = []
    for limit in (1, 2):
        with threadpool_limits(limits=limit), ThreadPoolExecutor(1) as here:
            stores.append(sweep(grid, tmp_path / f"{limit}.zarr", executor=here))
    same(*stores)


DEVICES = Grid(alpha_prune=2.0, selection=(KeepHardest(0.3), KeepEasiest(0.3)), n_features=8, n_trials=64)


def test_the_compiled_engine_checkpoints_each_batch_and_goes_on_after_an_interrupt(tmp_path, monkeypatch):
    """Two cells in batches of 32 trials: interrupted at the third, resumed, it is what it would have been."""
    written, write = [], Store.write

    def interrupted(store, task, arrays, finished):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append((list(task.cells), task.trials))
        write(store, task, arrays, finished)

    half = tmp_path / "half.zarr"
    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sweep(DEVICES, half, engine="jax", task_seconds=0.002)
    assert {len(trials) for _, trials in written} == {32}
    assert status(half).share_done == 0.5
    whole = sweep(DEVICES, tmp_path / "whole.zarr", engine="jax", task_seconds=0.002)
    same(sweep(DEVICES, half, engine="jax", task_seconds=0.002), whole)
    assert status(half).study["engine"] == "jax"
    assert whole.attrs["study"]["engine"] == "jax"
    cell = DEVICES.cells[1]
    point = {"selection": cell.selection, "n_features": 8, "n_trials": 32, "seed": cell.seed(DEVICES.seed)}
    ours = whole.sel(selection=repr(cell.selection)).squeeze()
    for first in (0, 32):
        expected = simulate(2.0, first_trial=first, engine="jax", **point)
        for name in OUTPUTS:
            np.testing.assert_array_equal(ours[name][first : first + 32], getattr(expected, name))


def test_a_store_of_the_other_engine_is_refused(swept):
    with pytest.raises(StoreError, match="`engine`"):
        sweep(SMALL, swept[0], engine="jax")


def test_a_cell_keeps_its_numbers_in_a_larger_grid(swept, tmp_path):
    larger = Grid(alpha_prune=(0.5, 1.0), selection=(KeepEasiest(0.4), KeepHardest(0.3)), n_features=20, n_trials=7)
    with ThreadPoolExecutor(1) as here:
        dataset = sweep(larger, tmp_path / "larger.zarr", executor=here)
    point = {"alpha_prune": 0.5, "selection": repr(KeepHardest(0.3)), "probe_angle": 0.0}
    for name in OUTPUTS:
        np.testing.assert_array_equal(dataset.sel(point)[name].isel(trial=slice(5)), swept[1].sel(point)[name])
    assert len(np.unique(dataset.seed)) == dataset.seed.size


def test_a_list_of_cells_has_one_dimension(tmp_path):
    hard = Grid(alpha_total=(2.0, 4.0), selection=KeepHardest(0.5), n_features=20, n_trials=3)
    all_data = CellList(cells=[Cell(alpha_prune=1.0, n_features=20)], n_trials=3)
    with ThreadPoolExecutor(1) as here:
        dataset = sweep(hard | all_data, tmp_path / "list.zarr", executor=here)
    assert dataset.generalization_error.dims == ("cell", "trial")
    np.testing.assert_allclose(dataset.alpha_prune, [1.0, 2.0, 1.0])
    assert list(dataset.selection.values) == [repr(KeepHardest(0.5))] * 2 + [repr(KeepRandom())]


def test_the_store_is_plain_zarr_and_goes_to_netcdf(swept, tmp_path):
    with xr.open_zarr(swept[0], consolidated=False) as plain:
        assert plain.float64.dims == ("cell", "trial", "float64_output")
        for label, name, index in [("overlap", "overlap", ...), ("direction[2]", "direction", (..., 2))]:
            stored = plain.float64.sel(float64_output=label).values
            np.testing.assert_array_equal(stored, swept[1][name].values[index].reshape(8, 5))
    write_netcdf(swept[1], tmp_path / "s.nc")
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as back:
        for name in OUTPUTS:
            np.testing.assert_array_equal(back[name], swept[1][name])
        assert list(back.selection.values) == list(swept[1].selection.values)
        assert "numpy" in back.attrs["libraries"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_trials": 6}, "`n_trials` is 5 there, and 6 was asked for"),
        ({"seed": 1}, "`seed` is 0 there, and 1 was asked for"),
        ({"alpha_prune": (0.5, 3.0)}, r"`alpha_prune` is \[0.5, 2.0\] there"),
    ],
    ids=["trials", "seed", "axis"],
)
def test_a_store_of_another_grid_is_refused(swept, change, message):
    with pytest.raises(StoreError, match=message):
        sweep(replace(SMALL, **change), swept[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha_prune": None}, "one of `alpha_prune` and `alpha_total`"),
        ({"alpha_prune": (1.0, 1.0)}, "`alpha_prune` must have values, each once"),
        ({"alpha_prune": -1.0}, "`alpha_prune` must be"),
        ({"alpha_prune": 0.001}, "at least 1 example"),
        ({"probe_angle": 2.0}, "`probe_angle` must be"),
        ({"selection": 0.3}, "`selection` must be a rule"),
        ({"n_features": 2}, "`n_features` must be an integer >= 3"),
        ({"n_trials": 0}, "`n_trials` must be an integer >= 1"),
        ({"probe": "trained"}, "`probe_angle` must be left out with probe='trained'"),
    ],
    ids=["no α", "repeated", "negative", "no example", "angle", "no rule", "N", "trials", "probe"],
)
def test_bad_grids_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 1.0}, "`alpha` is no axis of a grid; did you mean `alpha_prune`[?]"),
        ({"alpha_prune": 1.0, "trials": 5}, "`trials` is no axis of a grid; did you mean `n_trials`[?]"),
        ({"alpha_prune": 1.0, "noise": 0.1}, "`noise` is no axis of a grid; did you mean `label_noise`[?]"),
        ({"alpha_prune": 1.0, "temperature": 1}, "`temperature` is no axis of a grid; give alpha_prune, alpha_total, "),
    ],
    ids=["alpha", "trials", "noise", "nothing like it"],
)
def test_an_unknown_argument_of_a_grid_is_answered_with_the_right_one(arguments, message):
    with pytest.raises(TypeError, match=message):
        Grid(**arguments)


def test_a_grid_still_tells_its_arguments():
    assert list(signature(Grid).parameters) == [field.name for field in fields(Grid)]


def test_a_rule_that_cannot_be_named_is_refused(tmp_path):
    grid = Grid(alpha_prune=1.0, selection=KeepWithProbability(lambda z, y: np.full(z.shape, 0.5)), n_features=20)
    with pytest.raises(ValueError, match="told apart by their repr"):
        sweep(grid, tmp_path / "s.zarr")


def test_reading_what_is_no_store(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for name in ("folder", "file", "file/within"):
        with pytest.raises(StoreError, match="is no sweep's store"):
            read_sweep(tmp_path / name)


def test_a_store_is_compared_as_its_cells_are(swept):
    compared = compare_sweep(swept[1])
    for cell in SMALL.cells:
        point = {"alpha_prune": cell.alpha_prune, "probe_angle": cell.probe_angle, "selection": repr(cell.selection)}
        one = compare(
            simulate(
                cell.alpha_prune,
                selection=cell.selection,
                probe_angle=cell.probe_angle,
                n_features=20,
                n_trials=5,
                seed=cell.seed(0),
            )
        )
        row = compared.sel(point).squeeze()
        assert {"theory", "simulated", "z_score", "agrees"} <= compared.keys()
        for name in map(str, compared.data_vars):
            assert row[name].item() == getattr(one, name)


def test_cells_without_numbers_are_compared_with_nothing(swept):
    part = swept[1].copy(deep=True)
    part["done"][0] = False
    compared = compare_sweep(part)
    assert np.isnan(compared.z_score[0]).all()
    assert not compared.agrees[0].any()
    assert np.isfinite(compared.z_score[1]).all()


@dataclass(frozen=True)
class Half:
    """A probability with a name."""

    def __call__(self, z, y):
        return np.full(z.shape, 0.5)


def test_a_rule_of_ones_own_goes_through_store_and_comparison(tmp_path):
    own = KeepWithProbability(Half())
    with ThreadPoolExecutor(1) as here:
        dataset = sweep(Grid(alpha_prune=1.0, selection=own, n_features=20, n_trials=4), tmp_path / "s", executor=here)
    with pytest.raises(ValueError, match="`selection` must be a rule such as"):
        compare_sweep(dataset)
    assert np.isfinite(compare_sweep(dataset, own=[own]).z_score).all()


def test_trained_probes(tmp_path):
    grid = Grid(alpha_prune=2.0, selection=KeepHardest(0.3), n_features=20, n_trials=3, probe=("exact", "trained"))
    with ThreadPoolExecutor(1) as here:
        dataset = sweep(grid, tmp_path / "s.zarr", executor=here)
    angles = dataset.probe_angles.squeeze().sel(probe="trained")
    assert (angles > 0).all()
    assert not dataset.probe_angles.sel(probe="exact").any()
    assert np.isfinite(compare_sweep(dataset).z_score).all()


def test_students_and_noisy_labels_are_axes_and_are_compared(tmp_path):
    students = ["EmpiricalRisk('logistic', 0.1)", "EmpiricalRisk('square', 0.5)"]
    grid = grid_of(
        {"alpha_prune": 2.0, "selection": "KeepHardest(0.5)", "student": students, "label_noise": [0, 0.1]}
        | {"n_features": 30, "n_trials": 4}
    )
    with ThreadPoolExecutor(1) as here:
        dataset = sweep(grid, tmp_path / "s.zarr", executor=here)
    assert dataset.sizes["student"] == dataset.sizes["label_noise"] == 2
    noisy = dataset.squeeze().isel(student=0).sel(label_noise=0.1)
    same = simulate(
        2.0,
        selection=KeepHardest(0.5),
        student=EmpiricalRisk("logistic", 0.1),
        label_noise=0.1,
        n_features=30,
        n_trials=4,
        seed=noisy.seed.item(),
    )
    assert np.array_equal(noisy.training_loss, same.training_loss)
    assert np.array_equal(noisy.direction, same.direction)
    compared = compare_sweep(dataset).squeeze().isel(student=0).sel(label_noise=0.1)
    assert compared.theory == compare(same).theory


@pytest.mark.parametrize("text", ["EmpiricalRisk('cubic', 0.1)", "perceptron", "KeepHardest(0.5)"], ids=str)
def test_a_text_that_is_no_student_is_refused(text):
    with pytest.raises(ValueError, match=r"`(student|loss)` must be"):
        grid_of({"alpha_prune": 2.0, "student": text})


def test_probes_of_the_pool_s_own_are_an_axis_and_are_compared(tmp_path):
    probes = (TrainedProbe("logistic", 0.1), TrainedProbe("square", math.inf), GradientProbe("logistic", 2, 1.0))
    grid = Grid(alpha_prune=1.5, selection=KeepHardest(0.5), probe=("exact", *probes), n_features=48, n_trials=30)
    dataset = sweep(grid, tmp_path / "own.zarr")
    compared = compare_sweep(dataset).squeeze()
    assert compared.agrees.all()
    for number, probe in enumerate(probes, start=1):
        alone = simulate(
            1.5,
            selection=KeepHardest(0.5),
            probe=probe,
            n_features=48,
            n_trials=30,
            seed=Cell(alpha_prune=1.5, selection=KeepHardest(0.5), probe=probe, n_features=48).seed(0),
        )
        np.testing.assert_array_equal(dataset.squeeze().generalization_error[number], alone.generalization_error)
        assert compared.z_score[number] == pytest.approx(compare(alone).z_score, rel=1e-12)


def test_own_probes_are_read_from_their_text():
    texts = ["exact", "TrainedProbe('hinge', inf, 0.5, ties='dual')", "GradientProbe('square', 3, 0.2)"]
    grid = grid_of({"alpha_prune": 1.0, "selection": "KeepHardest(0.5)", "probe": texts})
    assert [cell.probe for cell in grid.cells] == [
        "exact",
        TrainedProbe("hinge", math.inf, 0.5, ties="dual"),
        GradientProbe("square", 3, 0.2),
    ]
    with pytest.raises(ValueError, match="`probe` must be 'exact', 'trained' or such as"):
        grid_of({"alpha_prune": 1.0, "probe": "KeepHardest(0.5)"})


def test_a_store_that_is_not_read_is_not_compared(tmp_path):
    with pytest.raises(ValueError, match="`dataset` must be what `sweep` or `read_sweep` returns; got "):
        compare_sweep(tmp_path / "sweep.zarr")  # pyright: ignore[reportArgumentType]
