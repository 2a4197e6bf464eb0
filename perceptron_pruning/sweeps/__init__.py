"""Sweeps that survive: labelled grids, resumable tasks, any executor."""

from perceptron_pruning.sweeps.errors import StoreError, SweepError
from perceptron_pruning.sweeps.grid import Cell, CellList, Grid
from perceptron_pruning.sweeps.simulated import sweep
from perceptron_pruning.sweeps.study import Output, Study
from perceptron_pruning.sweeps.workers import Workers

__all__ = ["Cell", "CellList", "Grid", "Output", "StoreError", "Study", "SweepError", "Workers", "sweep"]
