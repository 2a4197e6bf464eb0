"""Nodes in z of a pool that was pruned by its own probe, as fine as a student's sight asks for."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory._trained_probe.kept_fields import KeptFields
from replica_theory._trained_probe.margins import REACH, Interval, TrainedMargins
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.probe import Probe
from replica_theory._trained_probe.student_field import sharp_breakpoints
from replica_theory.losses.base import Loss, Weight

_GRID = np.array([-8.5, -6.5, -5.0, -3.6, -2.4, -1.2, 0.0, 1.2, 2.4, 3.6, 5.0, 6.5, 8.5])  # panel ends in z
_STEPS = np.array([-7.0, -4.5, -2.0, 0.0, 2.0, 4.5, 7.0])  # panel ends around a smeared step, in its widths
_COARSE = 1.2  # width in z from which the grid resolves a smeared step
_SCAN = np.linspace(-REACH, REACH, 69)  # z at which crossings are looked for
_LEAST = 1e-22  # weight of a node that counts


@dataclass(frozen=True, kw_only=True)
class PrunedPool:
    """The kept part of a pool.

    Attributes:
        margins: The pool's margins and the probe that left them.
        intervals: What is kept, in z.
        keep_fraction: E[k].
        weight: By which the student's loss is multiplied, a function of f/‖p‖; none is 1.
    """

    margins: TrainedMargins
    intervals: tuple[Interval, ...]
    keep_fraction: float
    weight: Weight | None = None

    @property
    def probe(self) -> Probe:
        """The probe that pruned it."""
        return self.margins.probe

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

    @property
    def _keeps_every_force(self) -> bool:
        """Whether all examples on which the probe pulls are kept, and it was trained on all."""
        reach, pulls_below = -math.inf, self.probe.pulls_below
        for part in sorted(self.intervals, key=lambda part: part.lower):
            if part.lower <= reach and not callable(part.probability) and part.share * part.probability >= 1:
                reach = part.upper
        return self.probe.share == 1 and reach >= pulls_below

    def fields(self, student: OrderParameters, loss: Loss, order: int) -> KeptFields:
        parts = [
            self._nodes(interval, self._features(student, loss, interval.trained), order) for interval in self.intervals
        ]
        columns = [np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)]
        weight, z, margin, force, loss_weight = (column[columns[0] > _LEAST] for column in columns)
        return KeptFields(
            weight=weight,
            mean=self.probe.cosine * z,
            spread=np.full(z.size, self.probe.sine),
            margins=margin[None],
            forces=force[None],
            loss_weight=loss_weight,
        )

    def _nodes(
        self, interval: Interval, features: tuple[np.ndarray, np.ndarray, np.ndarray], order: int
    ) -> tuple[np.ndarray, ...]:
        centres, widths, kinks = features
        lower, upper = max(interval.lower, -REACH), min(interval.upper, REACH)
        if not lower < upper:
            return tuple(np.empty((5, 0)))
        ends = breakpoints(
            lower, upper, grid=_GRID, features=(centres[None], widths[None]), kinks=kinks[None], steps=_STEPS
        )
        nodes = composite_rule(ends, order)
        z = nodes.points
        margin, force = self._trained(z, interval.trained)
        weight = nodes.weights * normal_density(z) * interval.keep(self.margins.opened(margin * self.probe.norm))
        loss_weight = np.ones_like(z) if self.weight is None else self.weight(margin)
        return weight, z, margin, force, loss_weight

    def _trained(self, z: np.ndarray, trained: bool) -> tuple[np.ndarray, np.ndarray]:
        """f/‖p‖ and G/√(E G²)."""
        if not trained:
            return z, np.zeros_like(z)
        probe = self.probe
        margin = probe.trained(z)
        return margin / probe.norm, (margin - probe.norm * z) / (probe.scale * probe.force_size)

    def _features(
        self, student: OrderParameters, loss: Loss, trained: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Centres and widths of smeared steps in z, and kinks.

        The label's step at s = 0 has the width σ/ρ. The probe's proximal operator has corners. The student's has
        them where its field, of mean centre(z) and spread S, meets ω = mark: a step of width S/|centre'|; and on the
        boundary s = 0, one of width b/|centre'| with the centre there.
        """
        probe = self.probe
        kinks = [sharp_breakpoints(probe.loss, probe.scale, probe.norm) / probe.norm] if trained else []
        margin, force = self._trained(_SCAN, trained)
        beyond = student.along[1] * margin + student.reaction[0] * force
        centre = beyond + student.along[0] * probe.cosine * _SCAN
        spread = float(np.hypot(student.along[0] * probe.sine, student.outside))
        smeared = [(np.zeros(1), np.full(1, probe.sine / max(probe.cosine, 1e-3)))]
        if loss.is_smooth:
            steep = float(np.max(np.abs(np.gradient(centre, _SCAN))))
            kinks.append(_crossings(centre, sharp_breakpoints(loss, student.scale, steep), spread)[0])
        else:
            marks = loss.marks(student.scale)
            smeared += [_crossings(centre, marks, spread), _crossings(beyond, marks, student.outside)]
        centres, widths = (np.concatenate(column) for column in zip(*smeared, strict=True))
        sharp = widths < _COARSE
        return centres[sharp], widths[sharp], np.concatenate([*kinks, np.empty(0)])


def _crossings(field: np.ndarray, marks: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """z at which a field known on the scan meets a mark, and the width there of a step of this spread in the field."""
    before, after = field[:-1, None], field[1:, None]
    cell, mark = np.nonzero((before - marks) * (after - marks) < 0)
    slope = (field[cell + 1] - field[cell]) / (_SCAN[1] - _SCAN[0])
    return _SCAN[cell] + (marks[mark] - field[cell]) / slope, np.abs(spread / slope)
