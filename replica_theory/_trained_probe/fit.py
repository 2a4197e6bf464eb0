"""How a student does on the examples that it was trained on."""

from typing import NamedTuple

import numpy as np

from replica_theory._trained_probe.kept_fields import label_chance
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.probe import Probe
from replica_theory._trained_probe.student_field import StudentField
from replica_theory.losses.base import Loss
from replica_theory.losses.ridgeless import HardMargin, Linear

_ORDER = 12  # Gauss–Legendre nodes in a panel


class Fit(NamedTuple):
    """Mean (weighted) loss of what is kept, and the share of it on the wrong side."""

    loss: float
    error: float


def fit_of(loss: Loss, field: StudentField) -> Fit:
    """From a student's field, with a panel end where errors begin."""
    kept = field.mean(np.ones_like(field.trained))
    return Fit(field.mean(field.loss_weight * loss.value(field.trained)) / kept, field.mean(field.trained < 0) / kept)


def fit_of_the_probe(training: Training, loss: Loss, probe: Probe) -> Fit:
    """Of a student that is the probe, whose margins it has; Hebb's, whose norm vanishes, has the loss of margin 0."""
    if isinstance(training.loss, HardMargin):
        return Fit(0.0, 0.0)
    fields = training.pool.fields(probe.as_student(training.ridge), training.loss, _ORDER)
    share = fields.weight * label_chance(fields.mean / fields.spread, training.label_noise)
    margin = probe.norm * fields.margins[0]
    losses = loss.value(0 * margin if isinstance(training.loss, Linear) else margin)
    return Fit(float(share @ losses / share.sum()), float(share @ (margin < 0) / share.sum()))
