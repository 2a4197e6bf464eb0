"""Simulated points of the figures, from one store, each held against the theory."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from perceptron_pruning.comparison import agreement, student_error, student_finite_size
from perceptron_pruning.output.tables import Row
from perceptron_pruning.students.training import Student
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import Selection

_QUANTILES = (np.arange(8) + 0.5) / 8


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What has been simulated.

    Attributes:
        trials: For each cell that is finished, its arrays (n_trials,) as in `SimulationResult`.
        seed: The seed of the whole.
        embedded: Rows of the experiment on real embeddings.
    """

    trials: dict[Cell, dict[str, np.ndarray]] = field(default_factory=dict)
    seed: int = 0
    embedded: Sequence[Row] = ()

    def rows(self, cells: Iterable[Cell]) -> list[Row]:
        """A row for each of these cells that is there."""
        return [self._rows[cell] for cell in dict.fromkeys(cells) if cell in self.trials]

    @property
    def all_rows(self) -> list[Row]:
        """A row for every cell."""
        return list(self._rows.values())

    @cached_property
    def _rows(self) -> dict[Cell, Row]:
        return {cell: self._row(cell, arrays) for cell, arrays in self.trials.items()}

    def _row(self, cell: Cell, arrays: dict[str, np.ndarray]) -> Row:
        errors = arrays["generalization_error"]
        angles, alpha = arrays["probe_angles"], cell.n_kept / cell.n_features
        angle = float(angles.mean()) if cell.probe == "trained" else cell.probe_angle
        held = agreement(
            errors,
            lambda alphas: _mean_error(alphas, cell, angles),
            alpha_prune=alpha,
            in_n_dimensions=student_finite_size(
                alpha,
                n_features=cell.n_features,
                student=cell.student,
                selection=cell.selection,
                probe_angle=angle,
                label_noise=cell.label_noise,
            ),
        )
        return point(cell.selection, angle, alpha, cell.label_noise) | {
            "kind": "simulation",
            "student": student_label(cell.student),
            "label_noise": cell.label_noise,
            "theory": held.theory,
            "simulation": held.simulated,
            "standard_error": held.standard_error,
            "finite_size": held.finite_size,
            "finite_size_error": held.finite_size_error,
            "z_score": held.z_score,
            "statistic": held.statistic,
            "slope": held.slope,
            "probe": cell.probe,
            "n_features": cell.n_features,
            "n_trials": errors.size,
            "seed": self.seed,
            "cell_seed": cell.seed(self.seed),
        }


def _mean_error(alphas: np.ndarray, cell: Cell, angles: np.ndarray) -> np.ndarray:
    """The theory's error, of trained probes over the angles that they reached."""
    representative = np.quantile(angles, _QUANTILES) if cell.probe == "trained" else [cell.probe_angle]
    setting = {"student": cell.student, "selection": cell.selection, "label_noise": cell.label_noise}
    return np.mean([student_error(alphas, probe_angle=angle, **setting) for angle in representative], axis=0)


def student_label(student: Student) -> str:
    """What tables call a student."""
    return student if isinstance(student, str) else f"{student.loss}, ridge {student.ridge:g}"


def point(selection: Selection, probe_angle: float, alpha_prune: float, label_noise: float = 0.0) -> Row:
    """The columns that say where a row of a table lies."""
    fraction = selection.kept_distribution(probe_angle, label_noise).keep_fraction
    return {
        "kind": "theory",
        "rule": repr(selection),
        "keep_fraction": fraction,
        "probe_angle_degrees": round(math.degrees(probe_angle), 9),
        "alpha_prune": alpha_prune,
        "alpha_total": alpha_prune / fraction,
    }
