"""Simulated cells, each compared with the theory."""

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace

from perceptron_pruning.comparison import compare
from perceptron_pruning.reproduction.tables import Row
from perceptron_pruning.simulation import simulate
from replica_theory.selection import Selection


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One simulated point: what `simulate` takes."""

    alpha_prune: float
    selection: Selection
    probe_angle: float
    n_features: int
    n_trials: int
    seed: int = 0


def run_cell(cell: Cell) -> list[Row]:
    """Simulates a cell and compares it with the theory: the one row of its table."""
    comparison = compare(
        simulate(
            cell.alpha_prune,
            selection=cell.selection,
            probe_angle=cell.probe_angle,
            n_features=cell.n_features,
            n_trials=cell.n_trials,
            seed=cell.seed,
        )
    )
    simulation = comparison.simulation
    row = point(cell.selection, cell.probe_angle, simulation.alpha_prune) | {
        "theory": comparison.theory,
        "simulation": comparison.theory + comparison.difference,
        "standard_error": comparison.standard_error,
        "finite_size": comparison.finite_size,
        "z_score": comparison.z_score,
        "agrees": int(comparison.agrees),
        "n_features": cell.n_features,
        "n_trials": cell.n_trials,
        "seed": cell.seed,
    }
    return [row]


def point(selection: Selection, probe_angle: float, alpha_prune: float) -> Row:
    """The columns that say where a row of a table lies."""
    return {
        "rule": type(selection).__name__,
        "keep_fraction": selection.keep_fraction,
        "probe_angle_degrees": round(math.degrees(probe_angle), 9),
        "alpha_prune": alpha_prune,
        "alpha_total": alpha_prune / selection.keep_fraction,
    }


def seeded(cells: Iterable[Cell], seed: int) -> list[Cell]:
    """The cells without repetition, each with a seed of its own."""
    return [replace(cell, seed=100_000 * seed + index) for index, cell in enumerate(dict.fromkeys(cells))]


def finished(futures: Iterable[Future[list[Row]]]) -> Iterator[list[Row]]:
    """Rows of each task, in the order in which tasks are finished."""
    for future in as_completed(futures):
        yield future.result()
