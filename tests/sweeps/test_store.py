"""Stores that are in use, not ours, or on a disk that refuses: one clear error each, and nothing lost."""

import contextlib
import io
import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from counting import calls, counting_study
from test_survival import finish, same, start, wait_for
from tqdm import tqdm

from perceptron_pruning.output import provenance
from perceptron_pruning.studies import StoreError, SweepError
from perceptron_pruning.studies.dataset import read_sweep
from perceptron_pruning.studies.run import estimated_seconds, run_study
from perceptron_pruning.studies.status import status
from perceptron_pruning.studies.study import Output, Study
from perceptron_pruning.sweeps import Grid
from perceptron_pruning.sweeps.sweep import study as simulations
from replica_theory import Calibrated, EmpiricalRisk, KeepHardest


def run(folder: Path, name: str = "s.zarr", **options):
    with ThreadPoolExecutor(1) as here:
        return run_study(counting_study(folder / "log", **options), folder / name, executor=here)


def half_done(folder: Path) -> Path:
    """A store as a driver that was killed half way has left it."""
    run(folder)
    group = zarr.open_group(folder / "s.zarr")
    done = group["done"]
    assert isinstance(done, zarr.Array)
    done[6:] = False
    (folder / "log").unlink()
    return folder / "s.zarr"


def test_a_second_driver_is_refused_by_name_and_the_first_goes_on(tmp_path):
    log, store = tmp_path / "log", tmp_path / "s.zarr"
    driver = start("held", log, store)
    wait_for(lambda: calls(log))
    second = subprocess.run(
        [sys.executable, Path(__file__).parent / "driver.py", "held", log, store],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"is being written by process {driver.pid} on " in second.stderr
    assert status(store).driver
    (tmp_path / "log.open").touch()
    assert finish(driver) == 0
    assert read_sweep(store).done.all()
    assert status(store).driver is None


@pytest.mark.slow
def test_drivers_that_start_together_make_one_store(tmp_path):
    log, store = tmp_path / "log", tmp_path / "s.zarr"
    drivers = [start("cells", log, store) for _ in range(2)]
    codes = sorted(finish(driver) for driver in drivers)
    assert codes == [0, 1]
    assert read_sweep(store).done.all()
    assert len(calls(log)) == 60
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@contextlib.contextmanager
def read_only(folder: Path):
    """By mount where we are root, who may write anywhere else; by permission where we are not."""
    if os.geteuid():
        before = [(path, path.stat().st_mode) for path in folder.rglob("*")]
        for path, mode in before:
            path.chmod(mode & ~0o222)
        yield
        for path, mode in before:
            path.chmod(mode)
        return
    mounted = [["mount", "--bind", folder, folder], ["mount", "-o", "remount,ro,bind", folder]]
    if subprocess.run(mounted[0], check=False, capture_output=True).returncode:
        pytest.skip("root without the right to mount has nothing read-only")
    try:
        subprocess.run(mounted[1], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_read_only_store_can_be_read_and_not_resumed(tmp_path):
    half_done(tmp_path)
    (tmp_path / "log").touch()
    with read_only(tmp_path):
        with pytest.raises(StoreError, match=r"cannot be written: .*what is done can be read"):
            run(tmp_path)
        assert status(tmp_path / "s.zarr").share_done == 0.5
        with pytest.raises(StoreError, match="cannot be made"):
            run(tmp_path, "new.zarr")
    assert run(tmp_path).done.all()
    assert len(calls(tmp_path / "log")) == 6
    with read_only(tmp_path):
        assert run(tmp_path).done.all()  # complete: there is nothing to write


@contextlib.contextmanager
def small_files(n_bytes: int):
    """No file may grow beyond this: a disk that is full, for anyone."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def interrupted(folder: Path) -> int:
    """A run that Ctrl-C ended; gives the number of cells that are there."""

    class Interrupted(ThreadPoolExecutor):
        left = 5

        def submit(self, fn, /, *args, **kwargs):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return super().submit(fn, *args, **kwargs)

    with Interrupted(1) as executor, pytest.raises(KeyboardInterrupt, match=r"^$"):
        run_study(counting_study(folder / "log", n_trials=400), folder / "s.zarr", executor=executor)
    return cells_done(folder)


def cells_done(folder: Path) -> int:
    return int(read_sweep(folder / "s.zarr").done.all("trial").sum())


def test_a_write_that_fails_half_way_leaves_what_was_done(tmp_path):
    whole, before = run(tmp_path, "whole.zarr", n_trials=400), interrupted(tmp_path)
    with small_files(1500), pytest.raises(StoreError, match=r"cannot be written: .*goes on there"):
        run(tmp_path, n_trials=400)
    assert 0 < cells_done(tmp_path) == before < 12
    same(run(tmp_path, n_trials=400), whole)


@pytest.fixture
def tiny_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_one_error_and_room_on_it_is_all_that_is_needed(tiny_disk, tmp_path):
    whole, before = run(tmp_path, "whole.zarr", n_trials=400), interrupted(tiny_disk)
    free = os.statvfs(tiny_disk).f_bavail * os.statvfs(tiny_disk).f_frsize
    (tiny_disk / "ballast").write_bytes(bytes(free - 50_000))
    with pytest.raises(StoreError, match="No space left on device; what is done is kept"):
        run(tiny_disk, n_trials=400)
    done, begun = cells_done(tiny_disk), len(calls(tiny_disk / "log"))
    assert before <= done < 12
    (tiny_disk / "ballast").unlink()
    same(run(tiny_disk, n_trials=400), whole)
    assert len(calls(tiny_disk / "log")) - begun == 12 - done


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("version", "0.0.1", r"was written by perceptron-pruning 0.0.1, and this is .*; install that version"),
        ("sweep_schema", 99, "has layout 99, and this version of .* reads and writes 2"),
    ],
    ids=["package", "schema"],
)
def test_a_store_of_another_version_is_refused(tmp_path, attribute, value, message):
    path = half_done(tmp_path)
    zarr.open_group(path).attrs[attribute] = value
    with pytest.raises(StoreError, match=message):
        run(tmp_path)
    assert not calls(tmp_path / "log")


def test_a_store_of_other_cells_is_refused(tmp_path):
    half_done(tmp_path)
    with pytest.raises(StoreError, match="`n_cells` is 12 there, and 13 was asked for"):
        run(tmp_path, n_cells=13)


def test_a_store_made_before_studies_had_names_is_read_and_not_resumed(tmp_path):
    group = zarr.open_group(half_done(tmp_path))
    study: Any = dict(group.attrs)["study"]
    old = {name: value for name, value in study.items() if name not in ("name", "settings")}
    group.attrs["study"] = old | {"function": "perceptron_pruning.sweeps.simulated.SimulatedCell(seed=0)"}
    message = (
        r"made when a study was known by the module of its function: it is `perceptron_pruning.sweeps.simulated.*` "
        r"there, and `Logged` now; it can be read \(`read_sweep`\), and resumed by the commit that made it, or give "
        "another path"
    )
    with pytest.raises(StoreError, match=message):
        run(tmp_path)
    assert not calls(tmp_path / "log")
    assert read_sweep(tmp_path / "s.zarr").done.sum() == 18


def moved(function: Callable) -> Callable:
    """The same function as if its module had moved and its class had another name."""
    kind: Any = type(function)
    renamed = dataclass(frozen=True)(type("Renamed", (kind,), {"__module__": "somewhere.else"}))
    return renamed(**{field.name: getattr(function, field.name) for field in fields(kind)})


def test_a_named_study_goes_on_where_its_function_moved_to(tmp_path):
    study = replace(counting_study(tmp_path / "log"), name="counting")
    with ThreadPoolExecutor(1) as here:
        run_study(study, tmp_path / "s.zarr", executor=here, cells=range(6))
        whole = run_study(
            replace(study, function=moved(study.function)),
            tmp_path / "s.zarr",
            executor=here,
        )
    assert whole.done.all()
    assert len(calls(tmp_path / "log")) == 12


def test_an_unnamed_study_has_its_functions_name_without_the_module(tmp_path):
    study = counting_study(tmp_path / "log")
    assert study.identity["name"] == "Logged"
    assert replace(study, function=moved(study.function)).identity["name"] == "Renamed"
    assert replace(study, function=counting_study).identity["name"] == "counting_study"
    assert "counting." not in str(study.identity)


def test_a_study_of_another_name_is_refused(tmp_path):
    half_done(tmp_path)
    study = replace(counting_study(tmp_path / "log"), name="measuring")
    with pytest.raises(StoreError, match="`name` is Logged there, and measuring was asked for"):
        run_study(study, tmp_path / "s.zarr")


def test_parameters_have_names_of_their_own(tmp_path):
    study = replace(counting_study(tmp_path / "log"), parameters={"cells": 3})
    with pytest.raises(ValueError, match="`parameters` must have names of their own; got cells"):
        run_study(study, tmp_path / "s.zarr")


def test_the_simulations_identity_has_no_modules_path():
    grid = Grid(alpha_prune=1.0, selection=Calibrated(KeepHardest(0.3), 0.1), student=EmpiricalRisk("logistic", 0.1))
    assert simulations(grid).identity["name"] == "simulation"
    assert not re.search("perceptron_pruning|replica_theory", json.dumps(simulations(grid).identity))


def test_a_store_says_what_made_it(tmp_path):
    run(tmp_path)
    made = read_sweep(tmp_path / "s.zarr").attrs
    assert made["machine"] == provenance.machine()
    assert status(tmp_path / "s.zarr").commit == provenance.commit()


def test_other_libraries_are_noted(tmp_path):
    path = half_done(tmp_path)
    zarr.open_group(path).attrs["libraries"] = [{"numpy": "1.0"}]
    assert [made["numpy"] for made in run(tmp_path).attrs["libraries"]] == ["1.0", np.__version__]


def test_what_is_not_there_yet_is_nan(tmp_path):
    store = half_done(tmp_path)
    zarr.open_group(store)["float64"][6:] = np.nan  # pyright: ignore
    data = read_sweep(store)
    np.testing.assert_array_equal(np.isnan(data.value), ~data.done)
    assert "50.0% done, 6 of 12 cells complete" in str(status(store))


def test_only_the_chosen_cells_are_computed_and_the_rest_later(tmp_path):
    study = counting_study(tmp_path / "log")
    with ThreadPoolExecutor(1) as here:
        part = run_study(study, tmp_path / "s.zarr", executor=here, cells=[2, 5])
        assert np.flatnonzero(part.done.all("trial")).tolist() == [2, 5]
        assert {call.split()[0] for call in calls(tmp_path / "log")} == {"2", "5"}
        whole = run_study(study, tmp_path / "s.zarr", executor=here)
    assert whole.done.all()
    assert len(calls(tmp_path / "log")) == len(set(calls(tmp_path / "log")))


def test_a_bar_of_the_callers_moves_by_the_seconds_of_the_chosen_cells(tmp_path):
    with ThreadPoolExecutor(1) as here, tqdm(total=6.0, file=io.StringIO()) as bar:
        run_study(counting_study(tmp_path / "log"), tmp_path / "s.zarr", executor=here, cells=[2, 5], bar=bar)
        assert bar.n == pytest.approx(6.0)


def test_estimated_seconds_are_those_of_the_chosen_cells_and_of_what_the_store_has_of_them(tmp_path):
    study = counting_study(tmp_path / "log")
    assert estimated_seconds(study, tmp_path / "s.zarr", cells=[2, 5]) == (6.0, 0.0)
    with ThreadPoolExecutor(1) as here:
        run_study(study, tmp_path / "s.zarr", executor=here, cells=[2, 3])
    assert estimated_seconds(study, tmp_path / "s.zarr", cells=[2, 5]) == (6.0, 3.0)
    assert estimated_seconds(study, tmp_path / "s.zarr") == (36.0, 6.0)
    with pytest.raises(StoreError, match="has another study"):
        estimated_seconds(counting_study(tmp_path / "log", n_trials=4), tmp_path / "s.zarr")


@pytest.mark.parametrize(
    ("lost", "content"),
    [
        ("float64/c.3.0.0", b""),
        ("float64/c.3.0.0", b"no compressed numbers"),
        ("done/c.3.0", b"cut"),
        ("float64/zarr.json", b"{"),
        ("float64/zarr.json", None),
        ("number/zarr.json", None),
        ("number/c/0", None),
        ("zarr.json", b'{"zarr_format": 3, "node_type": "group", "attributes": {"sweep_schema": 2}}'),
    ],
    ids=["empty", "garbage", "done", "syntax", "no array", "no label", "no labels", "no outputs"],
)
def test_a_damaged_store_is_one_error_of_one_line(tmp_path, lost, content):
    run(tmp_path)
    if content is None:
        (tmp_path / "s.zarr" / lost).unlink()
    else:
        (tmp_path / "s.zarr" / lost).write_bytes(content)
    for use in (lambda: read_sweep(tmp_path / "s.zarr"), lambda: run(tmp_path)):
        with pytest.raises(StoreError, match=r"s\.zarr is damaged \(.*\); copy it again, or give another path"):
            use()


def test_a_store_that_is_no_mapping_is_none(tmp_path):
    run(tmp_path)
    (tmp_path / "s.zarr" / "zarr.json").write_text("null")
    with pytest.raises(StoreError, match="is no sweep's store"):
        status(tmp_path / "s.zarr")


def test_a_bit_that_flipped_is_an_error_and_no_other_number(tmp_path):
    run(tmp_path)
    chunk = tmp_path / "s.zarr" / "float64" / "c.3.0.0"
    whole = chunk.read_bytes()
    for place in range(len(whole)):
        chunk.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with contextlib.suppress(StoreError):
            assert np.array_equal(read_sweep(tmp_path / "s.zarr").value, run_of(whole, chunk).value)


def run_of(whole: bytes, chunk: Path):
    """The store as it was before."""
    flipped = chunk.read_bytes()
    chunk.write_bytes(whole)
    dataset = read_sweep(chunk.parents[1])
    chunk.write_bytes(flipped)
    return dataset


def test_numbers_that_half_a_copy_lacks_are_computed_again(tmp_path):
    """`done` comes before `float64` in most copies."""
    whole = run(tmp_path)
    (tmp_path / "s.zarr" / "float64" / "c.3.0.0").unlink()
    (tmp_path / "log").unlink()
    half = read_sweep(tmp_path / "s.zarr")
    assert half.done.values.sum() < half.done.size
    assert bool(half.done.where(half.value.isnull(), False).sum() == 0)
    assert status(tmp_path / "s.zarr").share_done < 1
    again = run(tmp_path)
    assert bool(again.done.all())
    np.testing.assert_array_equal(again.value, whole.value)
    assert 0 < len(calls(tmp_path / "log")) < len(half.done)


def test_endless_tasks_are_refused(tmp_path):
    with ThreadPoolExecutor(1) as here, pytest.raises(ValueError, match="`task_seconds` must be > 0 and finite"):
        run_study(counting_study(tmp_path / "log"), tmp_path / "s.zarr", executor=here, task_seconds=float("inf"))


@pytest.mark.parametrize("cells", [[-1], [12], [0.5], ["a"]], ids=["-1", "beyond", "half", "text"])
def test_cells_that_are_none_are_named(tmp_path, cells):
    study = counting_study(tmp_path / "log", n_cells=12)
    with ThreadPoolExecutor(1) as here, pytest.raises(ValueError, match=r"`cells` must be indices in 0\.\.11; got"):
        run_study(study, tmp_path / "s.zarr", executor=here, cells=cells)


def test_a_store_of_other_types_is_refused(tmp_path):
    half_done(tmp_path)
    study = counting_study(tmp_path / "log")
    single = {name: replace(output, dtype="float32") for name, output in study.outputs.items()}
    with ThreadPoolExecutor(1) as here, pytest.raises(StoreError, match=r"has outputs .*float64.* were asked for"):
        run_study(replace(study, outputs=single), tmp_path / "s.zarr", executor=here)


def halves(cell: int, trials: range) -> dict[str, np.ndarray]:
    return {"value": np.full(len(trials), 0.5)}


def with_two_lines(cell: int, trials: range) -> dict[str, np.ndarray]:
    raise RuntimeError("one line\nand another")


def small_study(function: Callable[..., Any], **changes: Any) -> Study:
    asked = {"outputs": {"value": Output(long_name="", dtype="int64")}, "coordinates": {"number": [0]}} | changes
    return Study(function=function, cells=[0], **asked)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (halves, "the function must give value as int64, which does not hold float64"),
        (with_two_lines, "RuntimeError: one line and another"),
    ],
    ids=["not rounded", "one line"],
)
def test_what_a_function_must_not_give(tmp_path, function, message):
    with ThreadPoolExecutor(1) as here, pytest.raises(SweepError, match=message):
        run_study(small_study(function), tmp_path / "s.zarr", executor=here)
    assert not read_sweep(tmp_path / "s.zarr").done.any()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"coordinates": {"value": [0]}}, "value"),
        ({"trial": "number"}, "number"),
        ({"trial": "cell"}, "cell"),
        ({"coordinates": {"done": [0]}}, "done"),
    ],
    ids=["an output", "a label", "cells", "done"],
)
def test_names_of_a_study_are_taken_once(changes, name):
    with pytest.raises(ValueError, match=f"must have names of their own; got {name} twice"):
        small_study(halves, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_trials": 2.5}, "`n_trials` must be an integer >= 1; got 2.5"),
        ({"n_trials": True}, "`n_trials` must be an integer >= 1; got True"),
        ({"n_trials": "3"}, "`n_trials` must be an integer >= 1; got '3'"),
        ({"seconds": [math.inf]}, "`seconds` must be 1 positive numbers"),
        ({"dimensions": {"value": 1}}, "`outputs` must have names that no dimension and no array has; got 'value'"),
        ({"dimensions": {"t": 1}, "trial": "t"},
         "`dimensions` must have names of their own; got 't'"),
        ({"dimensions": {"a": 1.0}}, r"`dimensions\['a'\]` must be an integer >= 1; got 1.0"),
        ({"coordinates": {"a/b": [0]}}, "`coordinates` must have names of folders, which no array has; got 'a/b'"),
        ({"coordinates": {"int64_output": [0]}}, "`coordinates` must have names of folders.*'int64_output'"),
        ({"outputs": {"float64": Output(long_name="v")}}, "`outputs` must have names .* array has; got 'float64'"),
        ({"outputs": {"v": Output(long_name="v", dimensions={"cell": 2})}}, "`dimensions` of an output .*; got 'cell'"),
    ],
    ids=["part", "true", "text", "endless", "axis", "trials", "part of 1", "path", "array", "type", "cells"],
)  # fmt: skip
def test_what_is_no_study_is_refused_before_a_store_is_made(changes, message):
    with pytest.raises(ValueError, match=message):
        small_study(halves, **changes)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dtype": "foo"}, "`dtype` must be a type of numbers, such as 'float64'; got 'foo'"),
        ({"dtype": "U5"}, "`dtype` must be a type of numbers, such as 'float64'; got 'U5'"),
        ({"dimensions": {"k": 0}}, r"`dimensions\['k'\]` must be an integer >= 1; got 0"),
    ],
    ids=["unknown", "texts", "empty"],
)
def test_what_is_no_output_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Output(long_name="a number", **wrong)


def test_numpys_types_and_integers_are_taken_for_pythons(tmp_path):
    study = small_study(halves, outputs={"value": Output(long_name="a half", dtype=np.float64)}, n_trials=np.int64(2))  # pyright: ignore
    with ThreadPoolExecutor(1) as here:
        assert run_study(study, tmp_path / "s.zarr", executor=here).value.dtype == np.float64


def half_masked(cell: int, trials: range) -> dict[str, np.ma.MaskedArray]:
    return {"value": np.ma.masked_array(np.ones(len(trials), dtype=int), np.arange(len(trials)) == 0)}


def test_a_masked_number_is_not_taken_for_one(tmp_path):
    with ThreadPoolExecutor(1) as here, pytest.raises(SweepError, match="some of value are masked"):
        run_study(small_study(half_masked, n_trials=2), tmp_path / "s.zarr", executor=here)
    assert not read_sweep(tmp_path / "s.zarr").done.any()


def test_arrays_of_which_the_repr_leaves_numbers_out_are_no_cells():
    """Two of them would be one, and a store of one be gone on with by the other."""
    with pytest.raises(ValueError, match=r"`cells` must be told apart by their repr; got array.* leaves numbers out"):
        _ = replace(small_study(halves), cells=[np.arange(2000)]).identity


def test_parameters_that_are_no_json_are_refused(tmp_path):
    study = small_study(halves, parameters={"rows": np.arange(3)})
    with ThreadPoolExecutor(1) as here, pytest.raises(ValueError, match="`parameters` must be plain numbers, texts"):
        run_study(study, tmp_path / "s.zarr", executor=here)
    assert not list(tmp_path.iterdir())
