"""How a student does on the examples that it was trained on."""

import numpy as np

from replica_theory._trained_probe.kept_fields import label_moments
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.probe import Probe

_ORDER = 12  # Gauss–Legendre nodes in a panel


def fit_of(training: Training, student: OrderParameters) -> tuple[float, float]:
    """Mean (weighted) loss and share of errors of what is kept, after training."""
    field = training.field(student, _ORDER, every_breakpoint=True)
    trained = training.loss.proximal(field.omega, student.scale * field.loss_weight)
    kept = field.mean(np.ones_like(trained))
    return field.mean(field.loss_weight * training.loss.value(trained)) / kept, field.mean(trained < 0) / kept


def fit_of_the_probe(training: Training, probe: Probe) -> tuple[float, float]:
    """The same of a student that is the probe, whose margins it has."""
    fields = training.pool.fields(probe.as_student, training.loss, _ORDER)
    share = fields.weight * label_moments(fields.mean / fields.spread, training.label_noise)[0]
    margin = probe.norm * fields.margins[0]
    return float(share @ training.loss.value(margin) / share.sum()), float(share @ (margin < 0) / share.sum())
