"""Nodes in z of a pool that was pruned by its own probe, as fine as a student's sight asks for."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import composite_rule
from replica_theory._trained_probe.kept_fields import KeptFields, label_chance
from replica_theory._trained_probe.margins import Interval, TrainedMargins
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.panels import SCAN, crossings, panel_ends
from replica_theory._trained_probe.probe import REACH, Probe
from replica_theory._trained_probe.student_field import sharp_breakpoints
from replica_theory.losses.base import Loss, Weight, checked_weights
from replica_theory.losses.ridgeless import HardMargin

_LEAST = 1e-18  # share of the pool at a node that counts
_OFF = 1e-2  # b over the probe's norm at which a student starts that is nearly the probe
_FLAT = 1e-3  # least cosine of the probe's angle in the width of the label's step


@dataclass(frozen=True, kw_only=True)
class PrunedPool:
    """The kept part of a pool.

    Attributes:
        probe: The probe that pruned it.
        margins: The margins that it left.
        intervals: What is kept, in z.
        keep_fraction: E[k].
        weight: By which the student's loss is multiplied, a function of f/‖p‖; none is 1.
    """

    probe: Probe
    margins: TrainedMargins
    intervals: tuple[Interval, ...]
    keep_fraction: float
    weight: Weight | None = None

    def training(self, loss: Loss, ridge: float) -> Training:
        """A student of this loss on the kept part."""
        probe = self.probe
        return Training(
            loss=loss,
            alpha=probe.alpha,
            ridge=ridge,
            label_noise=probe.label_noise,
            learners=probe.learners,
            pool=self,
        )

    def makes_the_probe(self, loss: Loss, ridge: float) -> bool:
        """Whether a student of this loss and ridge is the probe itself, w = p.

        It is if they minimise the same risk but for examples on which the probe does not pull. A max-margin student on
        all support vectors of a max-margin probe is the known case.
        """
        return self.weight is None and self.probe.minimises(loss, ridge) and self._keeps_every_force

    def near_the_probe(self, training: Training) -> OrderParameters:
        """Where to look for a student that is all but the probe: a hard margin sets its norm, or else large ridges."""
        probe, ridge = self.probe.as_student(self.probe.ridge), training.ridge
        size = 1.0 if isinstance(training.loss, HardMargin) else (1 + self.probe.ridge) / (1 + ridge)
        return replace(
            probe,
            along=size * probe.along,
            reaction=size * probe.reaction,
            outside=_OFF * size * self.probe.norm,
            scale=probe.scale * (self.probe.ridge / ridge if ridge else 1.0),
        )

    @property
    def _keeps_every_force(self) -> bool:
        """Whether all examples on which the probe pulls are kept, and it was trained on all."""
        reach, pulls_below = -math.inf, self.probe.pulls_below
        for part in sorted(self.intervals, key=lambda part: part.lower):
            if part.lower <= reach and part.constant == 1:
                reach = part.upper
        return self.probe.share == 1 and reach >= pulls_below

    def fields(self, student: OrderParameters, loss: Loss, order: int) -> KeptFields:
        parts = [self._nodes(interval, student, loss, order) for interval in self.intervals]
        columns = [np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)]
        chance = label_chance(self.probe.cosine / self.probe.sine * columns[1], self.probe.label_noise)
        weight, z, margin, force = (column[columns[0] * chance > _LEAST] for column in columns)
        return KeptFields(
            weight=weight,
            mean=self.probe.cosine * z,
            spread=np.full(z.size, self.probe.sine),
            margins=margin[None],
            forces=force[None],
            loss_weight=1.0 if self.weight is None else checked_weights(self.weight, margin),
        )

    def _nodes(self, interval: Interval, student: OrderParameters, loss: Loss, order: int) -> tuple[np.ndarray, ...]:
        """Weight, z, f/‖p‖ and G/√(E G²) at an interval's nodes."""
        lower, upper = max(interval.lower, -REACH), min(interval.upper, REACH)
        if not lower < upper:
            return tuple(np.empty((4, 0)))
        nodes = composite_rule(self._panel_ends(lower, upper, student, loss, interval.trained)[None], order)
        z = nodes.points
        margin, force = self._trained(z, interval.trained)
        share = self.probe.share if interval.trained else 1 - self.probe.share
        keep = share * interval.keep(self.margins.opened(margin * self.probe.norm))
        return nodes.weights * normal_density(z) * keep, z, margin, force

    def _trained(self, z: np.ndarray, trained: bool) -> tuple[np.ndarray, np.ndarray]:
        """f/‖p‖ and G/√(E G²)."""
        if not trained:
            return z, np.zeros_like(z)
        margin = self.probe.margin(z, trained=True)
        return margin / self.probe.norm, self.probe.force(z, margin)

    @cached_property
    def _scan(self) -> tuple[np.ndarray, np.ndarray]:
        return self._trained(SCAN, True)

    def _panel_ends(
        self, lower: float, upper: float, student: OrderParameters, loss: Loss, trained: bool
    ) -> np.ndarray:
        """Ends of panels between which the averages at fixed z are smooth.

        The label's step at s = 0 has the width σ/ρ. The probe's proximal operator has breakpoints. Where the student's
        field, of mean centre(z) and spread S, meets those of its own, there is a step of width S/|centre'|; and on the
        boundary s = 0, one of width b/|centre'| with the centre there.
        """
        probe = self.probe
        margin, force = self._scan if trained else (SCAN, np.zeros_like(SCAN))
        boundary = student.along[1] * margin + student.reaction[0] * force
        centre = boundary + student.along[0] * probe.cosine * SCAN
        spread = float(np.hypot(student.along[0] * probe.sine, student.outside))
        steps = [(np.zeros(1), np.full(1, probe.sine / max(probe.cosine, _FLAT)))]
        corners = [sharp_breakpoints(probe.loss, probe.scale, probe.norm) / probe.norm] if trained else []
        if not loss.breakpoints.corners:
            steepest = float(np.max(np.abs(centre[1:] - centre[:-1]))) / (SCAN[1] - SCAN[0])
            corners.append(crossings(centre, sharp_breakpoints(loss, student.scale, steepest), spread)[0])
        else:
            breaks = loss.breakpoints.of_proximal(student.scale)
            steps += [crossings(centre, breaks, spread), crossings(boundary, breaks, student.outside)]
        return panel_ends(lower, upper, corners=corners, steps=steps)
