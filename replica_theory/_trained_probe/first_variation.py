"""What one more kept example does to the error of a student of its own pool's probe, as a function of its margin.

The pool and its probe are fixed. A change δk of what is kept moves the averages of (S1)–(S5) by those of the examples
concerned, and the student with them. With F the left minus right sides of (S1)–(S5), and J their Jacobian by
(A, r, c, b², ln V),

    δF = α E[δk (−s G_w, −f G_w, +G G_w, +(V/b) g G_w, −G_w²/(α E G_w²))]     of (S1), (S2), (S3), (S5), (S4)

    δ ln ε = (1/f) E[δk ι],      ι = f α adjoint · (that of an example),      adjoint = −J⁻ᵀ ∇ ln ε

An example is known by z, its cavity field over the probe's norm, and by whether the probe was trained on it. Of the
examples of one margin m, ι is the mean, by their densities.
"""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import composite_rule
from replica_theory._trained_probe.kept_fields import KeptFields, label_chance
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.minimiser import FINE
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.probe import REACH, Probe
from replica_theory._trained_probe.student_field import student_field

_LEAST_CHANCE = 1e-290  # of the label, by which averages are divided
_TIE_PANELS = 8  # panels in z of an average over tied examples


@dataclass(frozen=True)
class Influence:
    """d ln ε per relative amount of examples kept, by z or by m.

    Attributes:
        training: The student's, at what is kept now.
        student: Its order parameters.
        margins: Of the pool.
        keep_fraction: f.
        adjoint: −J⁻ᵀ ∇ ln ε, (5,).
        squared_force: α E G_w².
        log_ridge_slope: ∂ ln ε/∂ ln λ at this rule.
    """

    training: Training
    student: OrderParameters
    margins: TrainedMargins
    keep_fraction: float
    adjoint: np.ndarray
    squared_force: float
    log_ridge_slope: float

    @classmethod
    def at(
        cls, training: Training, student: OrderParameters, margins: TrainedMargins, keep_fraction: float
    ) -> "Influence":
        """The influence on one student's error."""
        probe, (A, r) = _probe(margins), student.along
        adjoint = -np.linalg.solve(training.equations(student, FINE).jacobian.T, log_angle_gradient(student, probe))
        field = training.field(student, FINE)
        # λ is in (S1) and (S2) as λ Γ a, and in (S5) as −λV
        by_log_ridge = np.array([*(training.learners.gram @ np.array([A, r])), 0.0, -student.scale, 0.0])
        return cls(
            training=training,
            student=student,
            margins=margins,
            keep_fraction=keep_fraction,
            adjoint=adjoint,
            squared_force=training.alpha * field.mean(field.force**2),
            log_ridge_slope=training.ridge * float(adjoint @ by_log_ridge),
        )

    def by_margin(self, m: np.ndarray, *, label_aware: bool) -> np.ndarray:
        """ι at these m, or at these |m| unless ``label_aware``."""
        total, mass = np.zeros((2, m.size))
        for sign in (1.0,) if label_aware else (1.0, -1.0):
            for density, values in (self._trained(sign * m), self._untrained(sign * m)):
                total, mass = total + density * values, mass + density
        return total / np.maximum(mass, np.finfo(float).tiny)

    def of_examples(self, z: np.ndarray, *, trained: bool) -> np.ndarray:
        """ι of examples at these z."""
        probe = _probe(self.margins)
        margin = probe.margin(z, trained=trained)
        force = probe.force(z, margin) if trained else np.zeros_like(z)
        ones = np.ones_like(z)
        fields = KeptFields(
            weight=ones,
            mean=probe.cosine * z,
            spread=probe.sine * ones,
            margins=margin[None] / probe.norm,
            forces=force[None],
            loss_weight=1.0,
        )
        return self._of_fields(fields) / self._chance(z)

    def _of_fields(self, fields: KeptFields) -> np.ndarray:
        """ι times the label's factor, node by node."""
        training, V, b = self.training, self.student.scale, self.student.outside
        field = student_field(fields, self.student, training.loss, label_noise=training.label_noise, order=FINE)

        def by_node(values: np.ndarray, part: int) -> np.ndarray:
            return np.add.reduceat(field.parts[part] * values, field.starts)

        force = field.force
        pull = field.at * by_node(force, 0) + field.by_xi * by_node(force, 1) + field.by_nu * by_node(force, 3)
        centre = np.repeat(field.central_force, np.diff(np.append(field.starts, force.size)))
        along_g = field.by_xi[-1] * by_node(force - centre, 1) + field.by_nu[-1] * by_node(force - centre, 3)
        square = by_node(force**2, 0)
        changes = np.stack([-pull[0], -pull[1], pull[2], V / b * along_g, -square / self.squared_force])
        return self.keep_fraction * training.alpha * (self.adjoint @ changes)

    def _chance(self, z: np.ndarray) -> np.ndarray:
        """The label's factor 2 [η + (1 − 2η) Φ(ρ z/σ)]."""
        probe = _probe(self.margins)
        return np.maximum(label_chance(probe.cosine / probe.sine * z, probe.label_noise), _LEAST_CHANCE)

    def _density(self, z: np.ndarray) -> np.ndarray:
        return normal_density(z) * self._chance(z)

    def _trained(self, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Density by m, and ι, of examples that the probe was trained on."""
        probe, ties = _probe(self.margins), _probe(self.margins).ties
        tied, empty = (m > 1) & (m < 2) & (ties is not None), (m > -2) & (m < -1) & (ties is not None)
        z = np.clip([self.margins.cavity(value) for value in m.tolist()], -REACH, REACH)
        stretch = 1 + probe.scale * self.margins.stiffness(m)
        density = probe.share * np.where(tied | empty, 0.0, self._density(z) * stretch / probe.norm)
        if not (ties and tied.any()):
            return density, self.of_examples(z, trained=True)
        mass, mean = self._among_ties(ties)
        values = self.of_examples(np.where(tied & (self.margins.ties == "random"), 0.0, z), trained=True)
        if self.margins.ties == "random":
            values = np.where(tied, mean, values)
        return np.where(tied, probe.share * mass, density), values

    def _among_ties(self, ties: tuple[float, float]) -> tuple[float, float]:
        """Share of the tied among those that the probe was trained on, and their mean ι."""
        low, high = max(ties[0], -REACH), min(ties[1], REACH)
        nodes = composite_rule(np.linspace(low, high, _TIE_PANELS + 1)[None], FINE)
        density = nodes.weights * self._density(nodes.points)
        return float(density.sum()), float(density @ self.of_examples(nodes.points, trained=True) / density.sum())

    def _untrained(self, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of the others: none where the axis is opened for ties."""
        probe = _probe(self.margins)
        if probe.share == 1:
            return np.zeros_like(m), np.zeros_like(m)
        z = np.clip(self.margins.margin(m) / probe.norm, -REACH, REACH)
        opened = (np.abs(m) > 1) & (np.abs(m) < 2) & (probe.ties is not None)
        density = np.where(opened, 0.0, (1 - probe.share) * self._density(z) / probe.norm)
        return density, self.of_examples(z, trained=False)


def _probe(margins: TrainedMargins) -> Probe:
    assert isinstance(margins.learner, Probe)
    return margins.learner


def log_angle_gradient(student: OrderParameters, probe: Probe) -> np.ndarray:
    """∂ ln ε/∂(A, r, c, b², ln V), ε = arctan2(√(r²σ² + b²), A + rρ)/π."""
    A, r = student.along.tolist()
    parallel, perpendicular = A + r * probe.cosine, math.hypot(r * probe.sine, student.outside)
    turn = np.array([0.0, r * probe.sine**2, 0.0, 0.5, 0.0]) * parallel / perpendicular
    turn -= np.array([1.0, probe.cosine, 0.0, 0.0, 0.0]) * perpendicular
    size = parallel**2 + perpendicular**2
    return turn / size / math.atan2(perpendicular, parallel)
