"""Students on what a trained probe keeps of its pool, as the fraction that it keeps changes."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from replica_theory._trained_probe.curve import Curve
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.pruning import Pruning
from replica_theory._trained_probe.student import StudentCurve, TrainedStudent
from replica_theory.losses.base import Loss
from replica_theory.selection import Selection, TrainedProbe
from replica_theory.selection.label_noise import Noise

_POINTS = 3  # from which the next is guessed: a parabola in ln f
_FARTHEST = math.log(2)  # distance in ln f from which a student is guessed


@dataclass(frozen=True, kw_only=True)
class StudentsByFraction:
    """Verified students at one α_prune, each found from its neighbours in ln f, as are the probes of their pools.

    Attributes:
        probe: The probe.
        loss: ℓ_w.
        ridge: λ_w, in [0, ∞].
        label_noise: η.
        alpha_prune: α, kept examples per dimension.
        probes, students: Order parameters found so far, by ln f.
    """

    probe: TrainedProbe
    loss: Loss
    ridge: float
    label_noise: Noise
    alpha_prune: float
    probes: dict[float, OrderParameters] = field(default_factory=dict)
    students: dict[float, OrderParameters] = field(default_factory=dict)

    def under(self, rule: Selection, log_fraction: float) -> TrainedStudent:
        """The student under a rule that keeps this fraction.

        Raises:
            ValueError: There is no such probe or student.
            SaddlePointError: The equations do not confirm one.
        """
        size = math.log(self.alpha_prune) - log_fraction
        pruning = Pruning.by(self.probe, rule, label_noise=self.label_noise)
        pruning = replace(pruning, probes=_starting_from(self.probes, log_fraction, size))
        guessed = _starting_from(self.students, log_fraction, size)
        guesses = guessed.points[:]
        curve = StudentCurve(pruning=pruning, loss=self.loss, ridge=self.ridge, found=guessed)
        (student,) = curve.at(np.array([self.alpha_prune]))
        self.probes[log_fraction] = pruning.probes.points[-1][1]
        solved = [at for at in guessed.points if not any(at is guess for guess in guesses)]
        if solved:  # it is not the probe itself, which is not searched
            self.students[log_fraction] = solved[-1][1]
        return student


def _starting_from(found: dict[float, OrderParameters], log_fraction: float, size: float) -> Curve:
    """A curve in ln α_total whose one point is the polynomial through the nearest ones in ln f; without, if none is."""
    nearest = sorted(found, key=lambda at: abs(at - log_fraction))[:_POINTS]
    if not nearest or abs(nearest[0] - log_fraction) > _FARTHEST:
        return Curve()
    weights = [math.prod((log_fraction - other) / (at - other) for other in nearest if other != at) for at in nearest]
    return Curve(points=[(size, OrderParameters.combined(weights, [found[at] for at in nearest]))])
