"""Sweeps of simulated students over labelled grids: resumable, and held against the theory.

::

    grid = Grid(alpha_prune=(0.5, 1, 2, 4), selection=(KeepHardest(0.3), KeepRandom(0.3)), probe_angle=(0, 0.2))
    sweep(grid, "errors.zarr")                                      # in one process
    errors = read_sweep("errors.zarr")                              # in another, or while it is being computed
    table = compare_sweep(errors).to_dataframe().reset_index()      # one row a cell: theory, simulated, z_score, ...
"""

from typing import TYPE_CHECKING

from perceptron_pruning.studies.errors import StoreError, SweepError
from perceptron_pruning.sweeps.grid import Cell, CellList, Grid
from perceptron_pruning.sweeps.sweep import sweep

if TYPE_CHECKING:
    from perceptron_pruning.studies.dataset import read_sweep
    from perceptron_pruning.sweeps.comparison import compare_sweep

__all__ = ["Cell", "CellList", "Grid", "StoreError", "SweepError", "compare_sweep", "read_sweep", "sweep"]


def __getattr__(name: str) -> object:
    """The functions that load xarray, when they are first asked for."""
    if name == "read_sweep":
        from perceptron_pruning.studies.dataset import read_sweep

        return read_sweep
    if name == "compare_sweep":
        from perceptron_pruning.sweeps.comparison import compare_sweep

        return compare_sweep
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
