"""A store as a labelled dataset: axes in the shape in which they were asked for."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from perceptron_pruning.output.atomic import temporary_beside
from perceptron_pruning.studies.store import DONE, Store, damage_named, read_store


def read_sweep(path: str | Path) -> xr.Dataset:
    """Loads a store, finished or not; numbers that are not there yet are NaN, and ``done`` says which.

    A product of axes comes with one dimension an axis, a list of cells with the dimension ``cell``; trials come after
    them. Labels that do not vary along an axis do not have it. (``xarray.open_zarr`` reads a store too large for the
    memory piece by piece, as it lies there; see `store`.)

    Args:
        path: The store.

    Returns:
        Each output by its name, with the labels of the cells; its attributes say what made it.

    Raises:
        StoreError: There is no store, it is damaged, or it is of another schema.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from tempfile import mkdtemp
        >>> from perceptron_pruning.sweeps import Grid, read_sweep, sweep
        >>> from replica_theory import KeepRandom
        >>> store = f"{mkdtemp()}/errors.zarr"
        >>> grid = Grid(alpha_prune=(0.5, 1), selection=KeepRandom(), n_features=10, n_trials=4)
        >>> made = sweep(grid, store, executor=ThreadPoolExecutor(1), engine="numpy")
        >>> read_sweep(store).generalization_error.equals(made.generalization_error)
        True
    """
    path = Path(path)
    store = read_store(path)
    with damage_named(path), xr.open_zarr(path, consolidated=False, chunks=None) as stored:
        flat = _unpacked(stored.load(), store)
    flat[DONE].values &= store.done()
    texts = {
        name: (label.dims, np.array(label.values.tolist())) for name, label in flat.coords.items() if _is_text(label)
    }
    flat = flat.assign_coords(texts)
    axes = store.attributes["axes"]
    return flat if axes is None else _unfolded(flat, axes)


def _unpacked(packed: xr.Dataset, store: Store) -> xr.Dataset:
    """Every output by its name."""
    variables = {
        name: (
            (*packed[DONE].dims, *store.outputs[name].dimensions),
            values,
            {"long_name": store.outputs[name].long_name, "units": store.outputs[name].units},
        )
        for packing in store.packings
        for name, values in packing.unpack(packed[packing.dtype].values)
    }
    return packed.assign(variables)[[*store.outputs, DONE]]


def write_netcdf(dataset: xr.Dataset, path: Path) -> None:
    """Writes a netCDF-4 file, whose attributes say what made it, whole or not at all."""
    attributes = {name: _plain(value) for name, value in dataset.attrs.items()}
    with temporary_beside(path) as temporary:
        dataset.drop_attrs(deep=False).assign_attrs(attributes).to_netcdf(temporary, engine="h5netcdf")


def _is_text(label: xr.DataArray) -> bool:
    return label.dtype.kind not in "biuf"


def _unfolded(flat: xr.Dataset, axes: dict[str, int]) -> xr.Dataset:
    shape, names = tuple(axes.values()), tuple(axes)
    variables = {
        name: (
            (*names, *flat[name].dims[1:]),
            flat[name].values.reshape(*shape, *flat[name].shape[1:]),
            flat[name].attrs,
        )
        for name in flat.data_vars
    }
    labels = {str(name): _label(str(name), array.values.reshape(shape), names) for name, array in flat.coords.items()}
    return xr.Dataset(variables, labels, flat.attrs)


def _label(name: str, values: np.ndarray, axes: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    """A label, along its own axis, or along those on which it depends."""
    for axis in reversed(range(values.ndim)):
        first = values.take([0], axis)
        if axes[axis] != name and (name in axes or np.all(values == first)):
            values, axes = first.squeeze(axis), (*axes[:axis], *axes[axis + 1 :])
    return axes, values


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float) else json.dumps(value)
