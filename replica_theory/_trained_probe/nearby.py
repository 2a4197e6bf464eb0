"""Students of a trained probe one after the other, each found from those of the pools nearest in size."""

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

_POINTS = 3  # from which the next is guessed: a parabola in ln α_total
_FARTHEST = math.log(2)  # distance in ln α_total from which a student is guessed


@dataclass(frozen=True, kw_only=True)
class NearbyStudents:
    """Verified students on pools whose size alone changes, or with it the fraction kept: on a line with ln α_total.

    Attributes:
        probe: The probe.
        loss: ℓ_w.
        ridge: λ_w, in [0, ∞].
        label_noise: η.
        probes, students: Order parameters found so far, by ln α_total.
    """

    probe: TrainedProbe
    loss: Loss
    ridge: float
    label_noise: Noise
    probes: dict[float, OrderParameters] = field(default_factory=dict)
    students: dict[float, OrderParameters] = field(default_factory=dict)

    def at(self, alpha_prune: float, rule: Selection) -> TrainedStudent:
        """The student of α_prune kept examples per dimension under this rule.

        Raises:
            ValueError: There is no such probe or student.
            SaddlePointError: The equations do not confirm one.
        """
        pruning = Pruning.by(self.probe, rule, label_noise=self.label_noise)
        size = math.log(alpha_prune / pruning.rough_fraction())
        guessed = _starting_from(self.students, size)
        guesses = guessed.points[:]
        pruning = replace(pruning, probes=_starting_from(self.probes, size))
        curve = StudentCurve(pruning=pruning, loss=self.loss, ridge=self.ridge, found=guessed)
        (student,) = curve.at(np.array([alpha_prune]))
        self.probes[size] = pruning.probes.points[-1][1]
        solved = [point for point in guessed.points if not any(point is guess for guess in guesses)]
        if solved:  # it is not the probe itself, which is not searched
            self.students[size] = solved[-1][1]
        return student


def _starting_from(found: dict[float, OrderParameters], size: float) -> Curve:
    """A curve whose one point is the polynomial through the nearest ones in ln α_total; empty if none is near."""
    nearest = sorted(found, key=lambda at: abs(at - size))[:_POINTS]
    if not nearest or abs(nearest[0] - size) > _FARTHEST:
        return Curve()
    weights = [math.prod((size - other) / (at - other) for other in nearest if other != at) for at in nearest]
    return Curve(points=[(size, OrderParameters.combined(weights, [found[at] for at in nearest]))])
