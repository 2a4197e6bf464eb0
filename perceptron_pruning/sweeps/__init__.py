"""Sweeps of simulated students over labelled grids, resumable, and held against the theory."""

from perceptron_pruning.sweeps.grid import Cell, CellList, Grid
from perceptron_pruning.sweeps.sweep import sweep

__all__ = ["Cell", "CellList", "Grid", "sweep"]
