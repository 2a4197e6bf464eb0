"""Observables of a trained student: overlaps, errors, margin; the teacher is the first axis."""

import math
from types import ModuleType
from typing import NamedTuple

import numpy as np

from perceptron_pruning.sampling import PrunedData
from perceptron_pruning.students.arrays import Array
from perceptron_pruning.students.batches import PerProblem
from replica_theory.geometry import target_direction


class Observables(NamedTuple):
    """Fields of a `SimulationResult`, for one trial; ``direction`` is (4,)."""

    generalization_error: Array | float
    overlap: Array | float
    probe_overlap: Array | float
    probe_angles: Array | float
    margin: Array | float
    norm: Array | float
    training_loss: Array | float
    training_error: Array | float
    direction: Array


def observables(data: PrunedData, weights: np.ndarray, training_loss: PerProblem) -> Observables:
    """Observables of one trial, given its student's weights w (N,) and mean training loss."""
    margins = data.labels * (data.inputs @ weights)
    found = observables_of(np, weights, data.probe, margins, np.ones(len(margins), bool), float(training_loss))
    return Observables._make([*(float(value) for value in found[:-1]), np.asarray(found.direction)])


def observables_of(
    xp: ModuleType, weights: Array, probe: Array, margins: Array, kept: Array, training_loss: Array | float
) -> Observables:
    """Observables in either array library; the teacher is the first axis.

    Args:
        xp: `numpy` or `jax.numpy`.
        weights: w, (N,).
        probe: The unit probe, (N,).
        margins: y w·x of rows, (P',).
        kept: Which of the rows are kept examples, (P',); the others are padding.
        training_loss: Mean (weighted) loss of the kept examples.
    """
    across, norm = xp.linalg.norm(weights[1:]), xp.linalg.norm(weights)
    return Observables(
        generalization_error=xp.arctan2(across, weights[0]) / math.pi,
        overlap=weights[0] / norm,
        probe_overlap=weights @ probe / norm,
        probe_angles=xp.arctan2(xp.linalg.norm(probe[1:]), probe[0]),
        margin=xp.where(kept, margins, xp.inf).min() / norm,
        norm=norm,
        training_loss=training_loss,
        training_error=(kept & (margins <= 0)).sum() / kept.sum(),
        direction=_components(xp, weights / norm, probe),
    )


def _components(xp: ModuleType, student: Array, probe: Array) -> Array:
    """Components (4,) of a unit student: on the probe, on the axis across it in the teacher's plane, on one axis
    outside that plane, and the length of the rest.

    The axis across a probe (cos θ, sin θ e), with a unit e orthogonal to the teacher, is (sin θ, −cos θ e).
    """
    sine, axis = xp.linalg.norm(probe[1:]), xp.eye(len(probe) - 1, dtype=probe.dtype)
    beside = xp.where(sine > 0, probe[1:] / xp.where(sine > 0, sine, 1.0), axis[0])  # e
    across = xp.concatenate([sine[None], -probe[0] * beside])
    outside = xp.concatenate([xp.zeros_like(sine[None]), axis[-1]])
    for orthogonal in (probe, across):
        outside = outside - (outside @ orthogonal) * orthogonal
    axes = xp.stack([probe, across, outside / xp.linalg.norm(outside)])
    components = axes @ student
    return xp.concatenate([components, xp.linalg.norm(student - components @ axes)[None]])


def error_against(
    direction: np.ndarray, probe_angles: np.ndarray, *, teacher_overlap: float, probe_overlap: float
) -> np.ndarray:
    """Angle/π between students, (trials, 4) as `_components`, and the unit vector of these cosines, (trials,)."""
    cosines = {"teacher_overlap": teacher_overlap, "probe_overlap": probe_overlap}
    targets = np.array([[*target_direction(float(angle), **cosines), 0.0] for angle in probe_angles])
    along = (direction * targets).sum(1)
    return np.arctan2(np.linalg.norm(direction - along[:, None] * targets, axis=1), along) / math.pi
