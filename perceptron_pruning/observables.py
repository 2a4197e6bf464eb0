"""Observables of a trained student: overlaps, errors, margin; the teacher is the first axis."""

import math
from typing import NamedTuple

import numpy as np

from perceptron_pruning.sampling import PrunedData
from perceptron_pruning.students.batches import PerProblem
from replica_theory.geometry import target_direction


class Observables(NamedTuple):
    """Fields of a `SimulationResult`, for one trial; ``direction`` is (4,)."""

    generalization_error: float
    overlap: float
    probe_overlap: float
    probe_angles: float
    margin: float
    norm: float
    training_loss: float
    training_error: float
    direction: np.ndarray


def observables(data: PrunedData, weights: np.ndarray, training_loss: PerProblem) -> Observables:
    """Observables of one trial, given its student's weights w (N,) and mean training loss."""
    along, across = float(weights[0]), float(np.linalg.norm(weights[1:]))
    norm = math.hypot(along, across)
    margins = data.labels * (data.inputs @ weights)
    return Observables(
        generalization_error=math.atan2(across, along) / math.pi,
        overlap=along / norm,
        probe_overlap=float(weights @ data.probe) / norm,
        probe_angles=math.atan2(float(np.linalg.norm(data.probe[1:])), float(data.probe[0])),
        margin=float(margins.min()) / norm,
        norm=norm,
        training_loss=float(training_loss),
        training_error=float(np.mean(margins <= 0)),
        direction=_components(weights / norm, data.probe),
    )


def _components(student: np.ndarray, probe: np.ndarray) -> np.ndarray:
    """Components (4,) of a unit student: on the probe, on the axis across it in the teacher's plane, on one axis
    outside that plane, and the length of the rest.

    The axis across a probe (cos θ, sin θ e), with a unit e orthogonal to the teacher, is (sin θ, −cos θ e).
    """
    sine = float(np.linalg.norm(probe[1:]))
    across = np.concatenate([[sine], -probe[0] * (probe[1:] / sine if sine else np.eye(probe.size - 1)[0])])
    outside = np.eye(probe.size)[-1]
    for axis in (probe, across):
        outside = outside - (outside @ axis) * axis
    axes = np.stack([probe, across, outside / np.linalg.norm(outside)])
    components = axes @ student
    return np.append(components, np.linalg.norm(student - components @ axes))


def error_against(
    direction: np.ndarray, probe_angles: np.ndarray, *, teacher_overlap: float, probe_overlap: float
) -> np.ndarray:
    """Angle/π between students, (trials, 4) as `_components`, and the unit vector of these cosines, (trials,)."""
    cosines = {"teacher_overlap": teacher_overlap, "probe_overlap": probe_overlap}
    targets = np.array([[*target_direction(float(angle), **cosines), 0.0] for angle in probe_angles])
    along = (direction * targets).sum(1)
    return np.arctan2(np.linalg.norm(direction - along[:, None] * targets, axis=1), along) / math.pi
