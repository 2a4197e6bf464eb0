"""What can be seen of a trained student: margins of its training examples, and its errors by difficulty.

An example that is kept has the field ω before its own pull (see `saddle_point`), and after it u = prox_{Vℓ}(ω), which
grows with ω. So P(u < x) = P(ω < ω(x)), with ω(x) = x + V ℓ'(x), and the density of ω at t is an integral over the
probe field z of the kept,

    p(t) = E_z [φ(ξ)/τ · P(label)],      ξ = (t − a₁ z)/τ,   τ² = a₂² + b²
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._empirical_risk.saddle_point import RegularisedRisk
from replica_theory._kept_averages.at_margin import MarginAverages
from replica_theory._kept_averages.field_nodes import REACH, labelled_pieces
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.one_variable import root
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.losses.named import Hinge, Logistic, NamedLoss, Square
from replica_theory.losses.ridgeless import HardMargin, Interpolation, Linear
from replica_theory.selection.label_chance import CLEAN

_ORDER = 12  # Gauss–Legendre nodes a panel
_GRID = np.linspace(-REACH, REACH, 23)  # panel ends in z
_STEPS = np.array([-9.0, -6.0, -3.5, -1.5, 0.0, 1.5, 3.5, 6.0, 9.0])  # panel ends around steps in z, in their widths
_SLICE_PANELS = 8  # panels in |z| of one slice of difficulty
_FARTHEST = 1e4  # |ω| up to which the inverse of a user's proximal operator is looked for
_PULLED = 1e-12  # |ω − p|, relative to 1 + |ω|, from which an example is pulled


@dataclass(frozen=True)
class TrainedMargins:
    """Kept examples and test examples in the eyes of one student.

    Attributes:
        risk: Its loss, or the limit that stands for it, and the averages over what is kept.
        point: Its order parameters.
    """

    risk: RegularisedRisk
    point: OrderParameters

    @property
    def norm(self) -> float:
        """‖w‖."""
        return float(np.linalg.norm(self.point.components))

    def support_share(self) -> float:
        """Share of the kept examples whose loss has a slope."""
        loss = self.risk.loss
        if isinstance(loss, (Square, Logistic, Linear, Interpolation)):
            return 1.0
        if isinstance(loss, (NamedLoss, HardMargin)):
            return self._field_below(1.0)
        nodes = self.risk.averages(loss.breakpoints, self.point.components, self.point.scale)
        pull = np.abs(nodes.field - loss.proximal(nodes.field, self.point.scale))
        return nodes.mean(pull > _PULLED * (1 + np.abs(nodes.field)))

    def share_at_margin(self) -> float:
        """Share of the kept examples with u = 1 exactly, where the slope of a hinge jumps."""
        loss = self.risk.loss
        if isinstance(loss, Interpolation):
            return 1.0
        if isinstance(loss, HardMargin):
            return self._field_below(1.0)
        return self._field_below(1.0) - self._field_below(1 - self.point.scale) if isinstance(loss, Hinge) else 0.0

    def share_up_to(self, margin: float) -> float:
        """P(u ≤ x) over the kept examples."""
        loss = self.risk.loss
        if isinstance(loss, (HardMargin, Interpolation)) and margin < 1:
            return 0.0
        if isinstance(loss, Interpolation):
            return 1.0
        return self._field_below(1.0 if isinstance(loss, Hinge) and margin == 1 else self._field_of(margin))

    def density(self, margin: float) -> float:
        """Density of u at x, without what is at 1 exactly."""
        loss = self.risk.loss
        if isinstance(loss, Interpolation) or (isinstance(loss, HardMargin) and margin <= 1):
            return 0.0
        field = self._field_of(margin)
        slope = loss.proximal_and_slope(np.array([field]), self.point.scale)[1][0]
        return self._field_density(field) / float(slope) if slope > 0 else 0.0

    def test_error(self, distance: np.ndarray) -> np.ndarray:
        """Test error at these |z|, z the field of the unit-norm probe, (n,)."""
        right = self._wrong_at(distance)
        angle = self.risk.averages.kept.probe_angle
        if angle == 0:
            return right
        chance = ndtr(distance / math.tan(angle))
        return chance * right + (1 - chance) * self._wrong_at(-distance)

    def mean_test_error(self, lower: float, upper: float) -> float:
        """The same between two |z|."""
        nodes = composite_rule(np.linspace(lower, min(upper, REACH), _SLICE_PANELS + 1)[None], _ORDER)
        mass = nodes.weights * normal_density(nodes.points)
        return float(mass @ self.test_error(nodes.points) / mass.sum())

    def _wrong_at(self, margin: np.ndarray) -> np.ndarray:
        """P(ω < 0) at these y z of clean labels."""
        examples = MarginAverages.of(
            margin,
            self.point.components,
            probe_angle=self.risk.averages.kept.probe_angle,
            label=CLEAN,
            loss_breakpoints=_AT_ZERO,
            scale=1.0,
        )
        return examples.mean(1.0 * (examples.field < 0))

    def _field_below(self, field: float) -> float:
        """P(ω < t) over the kept."""
        end = Breakpoints(fields=np.array([field]), slopes=np.zeros(1))
        nodes = self.risk.averages(end, self.point.components, 1.0)
        return nodes.mean(1.0 * (nodes.field < field))

    def _field_of(self, margin: float) -> float:
        """ω(x)."""
        loss, V = self.risk.loss, self.point.scale
        if isinstance(loss, NamedLoss):
            return margin + V * float(loss.derivative(np.array(margin)))
        if isinstance(loss, HardMargin):
            return margin
        if isinstance(loss, Linear):
            return margin - V
        return root(lambda field: float(loss.proximal(np.array([field]), V)[0]) - margin, -_FARTHEST, _FARTHEST)

    def _field_density(self, field: float) -> float:
        """Density of ω over the kept."""
        kept, (a1, a2, b) = self.risk.averages.kept, self.point.components.tolist()
        pieces, label = labelled_pieces(kept)
        tau, total = math.hypot(a2, b), 0.0
        centres, widths = [field / a1 if a1 else math.nan], [tau / abs(a1) if a1 else math.nan]
        cosine, sine = math.cos(kept.probe_angle), math.sin(kept.probe_angle)
        for centre, width in label.steps if label else ():  # along ω = t, where z cos θ + sin θ a₂ ξ/τ = centre
            along = cosine - sine * a1 * a2 / tau**2
            centres.append((centre - sine * a2 * field / tau**2) / along)
            widths.append(math.hypot(sine * b / tau, width) / abs(along))
        features = np.array([centres]), np.array([widths])
        for piece in pieces:
            lower, upper = np.clip([piece.lower, piece.upper], -REACH, REACH)
            nodes = composite_rule(breakpoints(lower, upper, grid=_GRID, features=features, steps=_STEPS), _ORDER)
            z, xi = nodes.points, (field - a1 * nodes.points) / tau
            chance = label.mean(cosine * z + sine * a2 / tau * xi, sine * b / tau) if label else 1.0
            total += float(nodes.weights @ (normal_density(z) * piece(z) * normal_density(xi) / tau * chance))
        return 2 / kept.keep_fraction * total


_AT_ZERO = Breakpoints(fields=np.zeros(1), slopes=np.zeros(1))
