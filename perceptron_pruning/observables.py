"""What is measured of a trained student, the teacher being the first axis."""

import math
from typing import Any

import numpy as np

from perceptron_pruning.sampling import PrunedData
from replica_theory.geometry import target_direction


def observables(data: PrunedData, weights: np.ndarray, training_loss: np.ndarray) -> dict[str, Any]:
    """Fields of a `SimulationResult`, for one trial."""
    along, across = float(weights[0]), float(np.linalg.norm(weights[1:]))
    norm = math.hypot(along, across)
    margins = data.labels * (data.inputs @ weights)
    return {
        "generalization_error": math.atan2(across, along) / math.pi,
        "overlap": along / norm,
        "probe_overlap": float(weights @ data.probe) / norm,
        "probe_angles": math.atan2(float(np.linalg.norm(data.probe[1:])), float(data.probe[0])),
        "margin": float(margins.min()) / norm,
        "norm": norm,
        "training_loss": float(training_loss),
        "training_error": float(np.mean(margins <= 0)),
        "direction": _components(weights / norm, data.probe),
    }


def _components(student: np.ndarray, probe: np.ndarray) -> np.ndarray:
    """Along the probe, across it towards the teacher, along one axis outside their plane, and the rest's length."""
    beside = float(np.linalg.norm(probe[1:]))
    across = np.concatenate([[beside], -probe[0] * (probe[1:] / beside if beside else np.eye(probe.size - 1)[0])])
    outside = np.eye(probe.size)[-1]
    for axis in (probe, across):
        outside = outside - (outside @ axis) * axis
    axes = np.stack([probe, across, outside / np.linalg.norm(outside)])
    components = axes @ student
    return np.append(components, np.linalg.norm(student - components @ axes))


def error_against(
    direction: np.ndarray, probe_angles: np.ndarray, *, teacher_overlap: float, probe_overlap: float
) -> np.ndarray:
    """Angle/π between students, (trials, 4), and the direction of these cosines with teacher and probe."""
    cosines = {"teacher_overlap": teacher_overlap, "probe_overlap": probe_overlap}
    targets = np.array([[*target_direction(float(angle), **cosines), 0.0] for angle in probe_angles])
    along = (direction * targets).sum(1)
    return np.arctan2(np.linalg.norm(direction - along[:, None] * targets, axis=1), along) / math.pi
