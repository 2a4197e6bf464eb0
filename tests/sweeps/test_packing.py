"""Outputs of several types and shapes share arrays by type, and come back as they were."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from perceptron_pruning.studies import Output, Study
from perceptron_pruning.studies.packing import packings
from perceptron_pruning.studies.run import run_study

OUTPUTS = {
    "error": Output(long_name="an error"),
    "kept": Output(long_name="images kept", dtype="int64", dimensions={"rule": 2, "class": 3}),
    "direction": Output(long_name="a direction", units="m", dimensions={"axis": 2}),
}


def numbers(cell: int, trials: Sequence[int]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(cell)
    return {
        "error": rng.random(len(trials)),
        "kept": rng.integers(2**62, size=(len(trials), 2, 3)),
        "direction": rng.random((len(trials), 2)),
    }


def test_labels_tell_the_parts_of_an_output():
    reals, integers = packings(OUTPUTS)
    assert (reals.dtype, reals.labels) == ("float64", ["error", "direction[0]", "direction[1]"])
    assert integers.axis == "int64_output"
    assert integers.labels[:4] == ["kept[0][0]", "kept[0][1]", "kept[0][2]", "kept[1][0]"]


def test_a_store_gives_back_every_output_with_its_type_its_dimensions_and_its_units(tmp_path):
    study = Study(
        function=numbers,
        cells=[3, 4],
        outputs=OUTPUTS,
        coordinates={"place": [3, 4]},
        dimensions={"place": 2},
        n_trials=4,
    )
    with ThreadPoolExecutor(1) as here:
        dataset = run_study(study, tmp_path / "s.zarr", executor=here)
    assert list(dataset.data_vars) == [*OUTPUTS, "done"]
    assert dataset.kept.dims == ("place", "trial", "rule", "class")
    assert dataset.direction.attrs == {"long_name": "a direction", "units": "m"}
    for cell in (3, 4):
        for name, values in numbers(cell, range(4)).items():
            np.testing.assert_array_equal(dataset[name].sel(place=cell), values)
            assert dataset[name].dtype == values.dtype
    with xr.open_zarr(tmp_path / "s.zarr", consolidated=False) as plain:
        np.testing.assert_array_equal(plain.int64.sel(int64_output="kept[1][2]"), dataset.kept[:, :, 1, 2])
