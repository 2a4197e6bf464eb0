"""A study's results on disk: a Zarr store that only ever holds what was computed.

Layout (Zarr v3, unsharded): all numbers of one type are one array (cell, trial, output), see `packing`; `done` is
(cell, trial), and the labels are arrays (cell,). The driver alone writes: the numbers of a task, flushed to the disk,
and then its piece of `done`, each chunk a file that replaces its predecessor whole. Whatever is killed, when `done`
says so the numbers are there. `read_sweep` gives each output by its name; without this package::

    xarray.open_zarr("sweep.zarr", consolidated=False).float64.sel(float64_output="overlap")
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec
from zarr.core.chunk_key_encodings import DefaultChunkKeyEncoding
from zarr.core.dtype import VariableLengthUTF8

from perceptron_pruning.output.provenance import NUMERICAL, PACKAGE, commit, machine, package_version, versions
from perceptron_pruning.studies.chunking import Seconds, chunk_shape, remaining_tasks
from perceptron_pruning.studies.errors import StoreError
from perceptron_pruning.studies.packing import Packing, fill_value, packings
from perceptron_pruning.studies.study import Output, Study
from perceptron_pruning.studies.task import Task

SCHEMA = 2  # version of the layout
DONE = "done"
_SEPARATOR = "."  # between chunk numbers in a file's name: an array's files share a folder, which is flushed once
_KEYS = DefaultChunkKeyEncoding(separator=_SEPARATOR)
_COMPRESSION = ZstdCodec(checksum=True)  # a damaged file is an error, and no other numbers
_NO_GROUP = (ValueError, TypeError, AttributeError)  # of JSON that describes no group
_EVERY_CHUNK = "every_chunk_is_written"  # attribute of stores in which a chunk without a file is a lost one


class Store:
    """An open store; made by `open_store`."""

    def __init__(self, path: Path, group: zarr.Group):
        self.path = path
        self._group = group
        self.attributes: dict[str, Any] = dict(group.attrs)
        self.outputs = {name: Output(**described) for name, described in self.attributes["outputs"].items()}
        self.packings: list[Packing] = packings(self.outputs)
        names = (*(packing.dtype for packing in self.packings), DONE)
        self._arrays = {name: _array(group, name) for name in names}
        cells, trials = self._arrays[DONE].chunks
        self.chunks: tuple[int, int] = (cells, trials)
        self._check_labels()

    def _check_labels(self) -> None:
        """Raises a `KeyError` if a label of the cells is lost."""
        for name in self.attributes.get("coordinates", "").split():
            if not (self.path / name / "zarr.json").exists():
                raise KeyError(name)
            if self.attributes.get(_EVERY_CHUNK) and not (self.path / name / "c" / "0").exists():
                raise KeyError(f"{name}/c/0")

    def done(self) -> np.ndarray:
        """(n_cells, n_trials), whether each is there: not where the numbers' file was lost, as by half a copy.

        Raises:
            StoreError: A file is damaged.
        """
        with damage_named(self.path):
            done = np.asarray(self._arrays[DONE][:])
        if not self.attributes.get(_EVERY_CHUNK):
            return done
        for packing in self.packings:
            done &= self._chunks_there(packing.dtype)
        return done

    def _chunks_there(self, name: str) -> np.ndarray:
        """(n_cells, n_trials), whether the chunk that holds each has a file."""
        (n_cells, n_trials), (cells, trials) = self._arrays[DONE].shape, self.chunks
        there = np.zeros((-(-n_cells // cells), -(-n_trials // trials)), bool)
        for file in os.listdir(self.path / name):
            key = file.split(_SEPARATOR)
            if key[0] == "c" and all(part.isdigit() for part in key[1:]) and len(key) > 2:
                there[int(key[1]), int(key[2])] = True
        return there.repeat(cells, axis=0)[:n_cells].repeat(trials, axis=1)[:, :n_trials]

    def remaining_tasks(self, seconds: Seconds | None, aim: float, chosen: np.ndarray) -> list[Task]:
        """What is left to do of the chosen cells (n_cells,), in tasks of about ``aim`` seconds."""
        return remaining_tasks(self.done() | ~chosen[:, None], self.chunks, seconds, aim)

    def write(self, task: Task, arrays: Mapping[str, np.ndarray], finished: np.ndarray) -> None:
        """Keeps a task's numbers, and then says so for the cells (len(task.cells),) that are finished."""
        try:
            self._put(task, {packing.dtype: packing.pack(arrays) for packing in self.packings})
            if finished.any():
                self._put(task, {DONE: np.repeat(finished[:, None], len(task.trials), axis=1)})
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written: {error.strerror or error}; what is done is kept, and the same call "
                "goes on there once the disk takes it"
            ) from error

    def _put(self, task: Task, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes and flushes to the disk itself, so that no loss of power can leave `done` without its numbers."""
        for name, values in arrays.items():
            self._arrays[name][task.cells.start : task.cells.stop, task.trials.start : task.trials.stop] = values
        for name in arrays:
            for chunk in self._files(name, task):
                if chunk.exists():  # in older stores a chunk of nothing but the fill value is not written
                    _synchronise(chunk)
            _synchronise(self.path / name)

    def _files(self, name: str, task: Task) -> Iterator[Path]:
        rest = [task.trials.start // self.chunks[1], *[0] * (self._arrays[name].ndim - 2)]
        first, last = task.cells.start // self.chunks[0], (task.cells.stop - 1) // self.chunks[0]
        for cell in range(first, last + 1):
            yield self.path / name / _SEPARATOR.join(map(str, ("c", cell, *rest)))


def open_store(study: Study, path: Path, aim: float) -> Store:
    """Opens the study's store, made if it is missing.

    Raises:
        StoreError: The store is another study's, or of another version, or cannot be made.
    """
    if not path.exists():
        _create(study, path, aim)
    store = read_store(path)
    _check_same(study, store)
    return store


def read_store(path: Path) -> Store:
    """Opens a store for reading, whatever study it has.

    Raises:
        StoreError: It is no store, or of another schema.
    """
    try:
        group = zarr.open_group(path, mode="r+")
        schema = group.attrs["sweep_schema"]
    except (FileNotFoundError, FileExistsError, NotADirectoryError, KeyError, *_NO_GROUP) as error:
        raise StoreError(f"{path} is no sweep's store; give another path") from error
    if schema != SCHEMA:
        raise StoreError(
            f"{path} has layout {schema}, and this version of {PACKAGE} reads and writes {SCHEMA}; "
            "use the version that made it, or give another path"
        )
    with damage_named(path):
        return Store(path, group)


@contextlib.contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Has whatever reading a damaged store raises say so."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # of the file format's layers: syntax, types, checksums
        raise StoreError(
            f"{path} is damaged ({type(error).__name__}: {error}); copy it again, or give another path"
        ) from error


def _array(group: zarr.Group, name: str) -> zarr.Array:
    array = group[name]
    assert isinstance(array, zarr.Array)
    return array.with_config({"write_empty_chunks": True})


def note_versions(store: Store) -> None:
    """Adds this process's libraries to those that have written into the store."""
    known, own = store.attributes["libraries"], versions(*NUMERICAL)
    if own not in known:
        store._group.attrs["libraries"] = [*known, own]


def _create(study: Study, path: Path, aim: float) -> None:
    """Makes the store beside its place and moves it there whole; whoever comes second finds it made."""
    identity = study.identity
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror or error}") from error
    try:
        _fill(study, made, identity, aim)
        with contextlib.suppress(FileExistsError):
            os.rename(made, path)
    except OSError as error:
        if not path.exists():
            raise StoreError(f"{path} cannot be made: {error.strerror or error}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _fill(study: Study, path: Path, identity: dict[str, Any], aim: float) -> None:
    os.chmod(path, 0o777 & ~_umask())
    attributes = {
        "sweep_schema": SCHEMA,
        "version": package_version(),
        "libraries": [versions(*NUMERICAL)],
        "commit": commit(),
        "machine": machine(),
        "study": identity,
        "outputs": {name: asdict(output) for name, output in study.outputs.items()},
        "axes": None if study.dimensions is None else dict(study.dimensions),
        "trial": study.trial,
        "coordinates": " ".join(study.coordinates),
        _EVERY_CHUNK: 1,
    }
    group = zarr.open_group(path, mode="w-", attributes=json.loads(json.dumps(attributes)))
    shape = (len(study.cells), study.n_trials)
    chunks = chunk_shape(study.seconds, *shape, aim)
    for packing in packings(study.outputs):
        numbers = len(packing.labels)
        group.create_array(
            packing.dtype,
            shape=(*shape, numbers),
            chunks=(*chunks, numbers),
            dtype=packing.dtype,
            fill_value=fill_value(packing.dtype),
            dimension_names=("cell", study.trial, packing.axis),
            chunk_key_encoding=_KEYS,
            compressors=_COMPRESSION,
        )
        _add_label(group, packing.axis, packing.axis, np.array(packing.labels))
    group.create_array(
        DONE,
        shape=shape,
        chunks=chunks,
        dtype="bool",
        fill_value=False,
        dimension_names=("cell", study.trial),
        chunk_key_encoding=_KEYS,
        compressors=_COMPRESSION,
        attributes={"long_name": "whether the numbers are there"},
    )
    for name, values in study.coordinates.items():
        _add_label(group, name, "cell", np.asarray(values))


def _add_label(group: zarr.Group, name: str, axis: str, values: np.ndarray) -> None:
    text = values.dtype.kind in "UO"
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=values.shape,
        dtype=VariableLengthUTF8() if text else values.dtype,
        dimension_names=(axis,),
        compressors=_COMPRESSION,
        config={"write_empty_chunks": True},
    )
    array[:] = values.astype(object) if text else values


def _check_same(study: Study, store: Store) -> None:
    if store.attributes["version"] != package_version():
        raise StoreError(
            f"{store.path} was written by {PACKAGE} {store.attributes['version']}, and this is {package_version()}, "
            "whose numbers may differ; install that version, or give another path"
        )
    stored, asked = store.attributes["study"], study.identity
    if "name" not in stored:
        raise StoreError(
            f"{store.path} was made when a study was known by the module of its function: it is "
            f"`{_short(stored.get('function'))}` there, and `{asked['name']}` now; it can be read (`read_sweep`), and "
            "resumed by the commit that made it, or give another path"
        )
    for name in {**asked, **stored}:
        if stored.get(name) != asked.get(name):
            raise StoreError(
                f"{store.path} has another study: `{name}` is {_short(stored.get(name))} there, and "
                f"{_short(asked.get(name))} was asked for; give another path, or ask for what is there"
            )
    if _layout(study.outputs) != _layout(store.outputs):
        raise StoreError(
            f"{store.path} has outputs {_short(_layout(store.outputs))}, and {_short(_layout(study.outputs))} "
            "were asked for; give another path, or ask for what is there"
        )


def _layout(outputs: Mapping[str, Output]) -> dict[str, tuple[str, dict[str, int]]]:
    """Type and dimensions of each output."""
    return {name: (np.dtype(output.dtype).name, dict(output.dimensions)) for name, output in outputs.items()}


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _synchronise(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
