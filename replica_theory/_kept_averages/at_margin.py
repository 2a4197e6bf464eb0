"""Averages over examples of one probe margin alone, by quadrature over the student's field.

At a margin z the field of a student (a₁, a₂, b) is ω = a₁ z + τ ξ, τ² = a₂² + b², and the example's other coordinates
are v = (a₂ ξ + b ζ)/τ and h = (b ξ − a₂ ζ)/τ, with ξ and ζ standard normals but for the chance of the label, which
depends on u = z cos θ + v sin θ alone.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._kept_averages.field_nodes import REACH, FieldNodes, moment_maps
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.selection.label_chance import LabelChance

_ORDER = 10  # Gauss–Legendre nodes a panel
_GRID = np.array([-11.0, -8.0, -5.5, -3.5, -1.75, 0.0, 1.75, 3.5, 5.5, 8.0, 11.0])  # panel ends in ξ
_STEP_ENDS = np.array([-9.0, -5.5, -2.5, 0.0, 2.5, 5.5, 9.0])  # panel ends around the label's step, in its widths
_WIDEST_STEP = 3.0  # largest width in ξ of that step which the grid does not resolve
_LEAST_CHANCE = 1e-290  # of the label, by which averages are divided


@dataclass(frozen=True)
class MarginAverages:
    """Nodes in ω for each of some margins.

    Attributes:
        field: ω, (nodes,).
        xi: ξ, (nodes,).
        margin: z, (margins,).
        row: Number of the margin to which each node belongs, (nodes,).
        starts: First node of each margin, (margins,).
        mass: Share of the margin's examples at the node, (nodes,).
        mass_zeta: The same times the mean of ζ there.
        mass_zeta2: The same times the mean of ζ².
        across: (a₂, b)/τ.
    """

    field: np.ndarray
    xi: np.ndarray
    margin: np.ndarray
    row: np.ndarray
    starts: np.ndarray
    mass: np.ndarray
    mass_zeta: np.ndarray
    mass_zeta2: np.ndarray
    across: tuple[float, float]

    @classmethod
    def of(
        cls,
        margin: np.ndarray,
        components: np.ndarray,
        *,
        probe_angle: float,
        label: LabelChance,
        loss_breakpoints: Breakpoints,
        scale: np.ndarray | float,
        order: int = _ORDER,
    ) -> "MarginAverages":
        """Nodes at these margins for functions of ω and of prox_{Vℓ}(ω), V = ``scale``, a number or one a margin."""
        a1, a2, b = components.tolist()
        tau = float(np.hypot(a2, b))
        kinks, step = (loss_breakpoints.of_proximal(scale) - a1 * margin[:, None]) / tau, None
        cosine, sine = np.cos(probe_angle), np.sin(probe_angle)
        if probe_angle and a2:
            centres, spreads = np.array(label.steps).T
            widths = np.hypot(b, spreads * tau / sine) / abs(a2)
            near = widths < _WIDEST_STEP
            in_xi = (centres[near] - cosine * margin[:, None]) * tau / (sine * a2)
            step = in_xi, np.broadcast_to(widths[near], in_xi.shape)
        ends = breakpoints(-REACH, REACH, grid=_GRID, features=step, kinks=kinks, steps=_STEP_ENDS)
        nodes = composite_rule(ends, order)
        xi, row, density = nodes.points, nodes.row, normal_density(nodes.points) * nodes.weights
        mass, zeta, zeta2 = density, np.zeros_like(xi), density
        if probe_angle:
            chance = np.maximum(label.mean(cosine * margin, sine), _LEAST_CHANCE)[row]
            moments = label.moments(cosine * margin[row] + sine * a2 / tau * xi, sine * b / tau)
            mass, zeta, zeta2 = density / chance * moments
        field = a1 * margin[row] + tau * xi
        return cls(field, xi, margin, row, nodes.starts, mass, zeta, zeta2, (a2 / tau, b / tau))

    def pooled(self, share: np.ndarray, loss_weight: np.ndarray) -> FieldNodes:
        """Averages over all margins, in these shares and with these weights of the loss, (margins,)."""
        along, outside = self.across
        z, xi, part = self.margin[self.row], self.xi, share[self.row]
        m, zeta, zeta2 = self.mass * part, self.mass_zeta * part, self.mass_zeta2 * part
        m_z, m_xi = z * m, xi * m
        moments = [m, m_z, m_xi, zeta, z * m_z, z * m_xi, z * zeta, xi * m_xi, xi * zeta, zeta2]
        axes = np.array([[1.0, 0.0, 0.0], [0.0, along, outside], [0.0, outside, -along]])
        return FieldNodes(self.field, loss_weight[self.row], np.stack(moments), *moment_maps(axes))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """E[f | z] of a function f(ω) with these values at the nodes, (margins,)."""
        return np.add.reduceat(values * self.mass, self.starts)

    def first(self, values: np.ndarray) -> np.ndarray:
        """E[f g | z], g = (z, v, h), (3, margins)."""
        along, outside = self.across
        xi, zeta = (np.add.reduceat(values * part, self.starts) for part in (self.mass * self.xi, self.mass_zeta))
        return np.stack([self.margin * self.mean(values), along * xi + outside * zeta, outside * xi - along * zeta])
