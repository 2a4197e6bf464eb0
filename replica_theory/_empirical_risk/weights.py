"""The best weights of a loss, as a function of the examples' margins.

Weights are numbers w_i at nodes m_i of the margin, of mean 1 over the kept: Σ s_i w_i = 1 with s_i the share of the
kept examples at a node. The weight stands in an example's proximal operator, p = prox_{Vwℓ}(ω), beside V, so that
F = ω − p moves with ln w as it does with ln V: by F p', p' = ∂p/∂ω. With the gradient (G_x, G_τ) of `saddle_point` and
its Jacobian J,

    ∂ ln ε/∂ ln w_i = s_i adjoint · (δf/V − e₃ δS/(2Vb), −δS/(2b)),      adjoint = −J⁻ᵀ ∇ ln ε,

where δf = α E[F p' g | m_i] and δS = 2 α E[F² p' | m_i]. At the optimum the slope d_i = ∂ ln ε/∂ w_i / s_i is the same
wherever w_i > 0, its mean d = Σ s_i w_i d_i, and no less elsewhere. What could be gained to first order by taking
weights away or adding up to 1,

    gain = Σ s_i [w_i (d_i − d)₊ + (d − d_i)₊],

is then 0.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from replica_theory._empirical_risk.continuation import solve
from replica_theory._empirical_risk.first_variation import log_error_gradient
from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._empirical_risk.saddle_point import RegularisedRisk
from replica_theory._kept_averages.at_margin import MarginAverages
from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory.errors import SaddlePointError
from replica_theory.geometry import angle_to, in_plane
from replica_theory.losses.base import Loss
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.selection.kept_distribution import KeptDistribution

_REACH = 6.5  # largest |m| of a node
_GRID = np.arange(-_REACH, _REACH + 0.1, 0.5)  # panel ends in m
_STEPS = np.array([-7.0, -4.0, -2.0, 0.0, 2.0, 4.0, 7.0])  # panel ends around the label's step, in its widths
_ORDER = 5  # Gauss–Legendre nodes a panel
_RAREST = 1e-11  # share of the kept of a node that counts
_LEAST_WEIGHT = 1e-8  # that stands for 0
_ROUNDS = 8  # of the descent at most
_STEPS_A_ROUND = 50
_LEAST_UNIT = 0.2  # weight below which the curvature of ln ε rises no more
_ENOUGH = 1e-6  # first-order gain at which it ends
_LEANING, _FLOOR = 3.0, 0.05  # of a second start: steepness per standard deviation of the margin, and least weight
_FINER = 16  # Gauss–Legendre nodes a panel of the residual's second quadrature


@dataclass(frozen=True)
class _Averages:
    """Averages over kept examples with weights at the nodes, as `RegularisedRisk` asks for them."""

    nodes: "MarginNodes"
    weight: np.ndarray
    order: int = 10

    def at(self, loss_breakpoints: Breakpoints, components: np.ndarray, scale: float) -> MarginAverages:
        """Nodes in ω by margin."""
        return MarginAverages.of(
            self.nodes.margin,
            components,
            probe_angle=self.nodes.kept.probe_angle,
            label=self.nodes.kept.label,
            loss_breakpoints=loss_breakpoints,
            scale=scale * self.weight,
            order=self.order,
        )

    def __call__(self, loss_breakpoints: Breakpoints, components: np.ndarray, scale: float) -> FieldNodes:
        return self.at(loss_breakpoints, components, scale).pooled(self.nodes.share, self.weight)


@dataclass(frozen=True)
class MarginNodes:
    """Signed margins of kept examples, and what share of them is at each.

    Attributes:
        kept: The kept examples.
        margin: m_i, (nodes,).
        share: s_i, which add up to 1.
        group: Number of the weight that each node has: its own, or with its mirror image's, (nodes,).
    """

    kept: KeptDistribution
    margin: np.ndarray
    share: np.ndarray
    group: np.ndarray

    @classmethod
    def of(cls, kept: KeptDistribution, *, label_aware: bool, order: int = _ORDER) -> "MarginNodes":
        """Nodes that resolve the rule and the label, mirrored in 0; ``order`` a panel."""
        angle, (centres, spreads) = min(kept.probe_angle, 1.4), np.array(kept.label.steps).T
        widths = np.hypot(math.sin(angle), spreads) / math.cos(angle)
        ends = np.unique(np.abs(np.append(kept.edges, 0.0)))
        features = np.abs(centres / math.cos(angle))[None], widths[None]
        panels = breakpoints(0.0, _REACH, grid=_GRID, features=features, kinks=ends[None], steps=_STEPS)
        rule = composite_rule(panels, order)
        margin = np.concatenate([rule.points, -rule.points])
        chance = kept.label.mean(math.cos(kept.probe_angle) * margin, math.sin(kept.probe_angle))
        share = np.tile(rule.weights, 2) * 2 * normal_density(margin) * chance * kept(margin) / kept.keep_fraction
        group = np.tile(np.arange(rule.points.size), 2) if not label_aware else np.arange(margin.size)
        counts = share > _RAREST
        _, group = np.unique(group[counts], return_inverse=True)
        return cls(kept, margin[counts], share[counts] / share[counts].sum(), group)


@dataclass(frozen=True, kw_only=True)
class BestWeights:
    """The end of a descent.

    Attributes:
        weight: w_i, (nodes,).
        log_error: ln ε.
        gain: First-order gain.
        residual: Largest relative residual of the student's equations, on a finer quadrature.
        unresolved: Change of ln ε between nodes and twice as many, with weights linear between the first.
    """

    weight: np.ndarray
    log_error: float
    gain: float
    residual: float
    unresolved: float


@dataclass
class WeightDescent:
    """Descent of ln ε in the weights.

    Attributes:
        loss: ℓ.
        nodes: Where the weights are.
        point: The last student, of the α and λ of all.
        last: The last weights, ln ε, and d.
    """

    loss: Loss
    nodes: MarginNodes
    point: OrderParameters
    last: tuple[np.ndarray, float, np.ndarray] | None = None

    @classmethod
    def of(
        cls, loss: Loss, nodes: MarginNodes, alpha: float, ridge: float, components: np.ndarray, scale: float
    ) -> "WeightDescent":
        """From the student of equal weights."""
        return cls(loss, nodes, OrderParameters(alpha, ridge, components, scale))

    def best(self) -> BestWeights:
        """From equal weights, or, where they are stationary, the best from there and from weights for hard and easy."""
        equal = np.ones(self._shares.size)
        starts = [equal, *(self._leaning(equal) if self._gain(equal) < _ENOUGH else [])]
        weight = min(map(self._lowest_from, starts), key=lambda end: self._log_error_and_slope(end)[0])
        log_error, _ = self._log_error_and_slope(weight)
        risk = RegularisedRisk(self.loss, _Averages(self.nodes, weight[self.nodes.group], _FINER))  # pyright: ignore[reportArgumentType]
        return BestWeights(
            weight=weight[self.nodes.group],
            log_error=log_error,
            gain=self._gain(weight),
            residual=risk.equations(self.point).residual,
            unresolved=abs(self._between_nodes(weight[self.nodes.group]) - log_error),
        )

    def _between_nodes(self, weight: np.ndarray) -> float:
        """ln ε on twice as many nodes, with weights linear between these."""
        order = np.argsort(self.nodes.margin)
        finer = MarginNodes.of(self.nodes.kept, label_aware=True, order=2 * _ORDER)
        there = np.interp(finer.margin, self.nodes.margin[order], weight[order])
        there /= finer.share @ there
        return replace(self, nodes=finer, last=None).log_error_and_slopes(there)[0]

    def _leaning(self, equal: np.ndarray) -> list[np.ndarray]:
        """Weights that favour hard or easy examples, at which there are students.

        The error of hinge students does not depend on weights near equal ones while none of their examples pulls with
        all of its weight.
        """
        margin = np.bincount(self.nodes.group, self.nodes.share * self._ranked) / self._shares
        mean = self._shares @ margin
        unit = (margin - mean) / (math.sqrt(self._shares @ (margin - mean) ** 2) or 1.0)
        leaning = []
        for steepness in (-_LEANING, _LEANING):
            weight, _ = self._normalised(_FLOOR + 1 / (1 + np.exp(steepness * unit)))
            with suppress(SaddlePointError):
                self._log_error_and_slope(weight)
                leaning.append(weight)
        self._log_error_and_slope(equal)
        return leaning

    @property
    def _ranked(self) -> np.ndarray:
        """m, or |m| where a weight belongs to both, (nodes,)."""
        alone = self.nodes.margin.size == self._shares.size
        return self.nodes.margin if alone else np.abs(self.nodes.margin)

    def _lowest_from(self, weight: np.ndarray) -> np.ndarray:
        """By rounds of projected quasi-Newton steps."""
        for _ in range(_ROUNDS):
            weight = self._descended(weight)
            if self._gain(weight) < _ENOUGH:
                break
        return weight

    def _descended(self, start: np.ndarray) -> np.ndarray:
        """One round, in units in which ln ε is curved alike by every weight: that by w falls with w, and as √S."""
        from scipy.optimize import minimize  # slow to import

        unit = np.sqrt(self._shares) / (_LEAST_UNIT + start)

        def ended(intermediate_result) -> None:
            if self._gain(self._normalised(intermediate_result.x / unit)[0]) < _ENOUGH:
                raise StopIteration

        def objective(scaled: np.ndarray) -> tuple[float, np.ndarray]:
            if not scaled.any():  # a step too far, beyond which no weight is left: as bad as ε = 1
                return 0.0, np.zeros_like(scaled)
            weight, total = self._normalised(scaled / unit)
            log_error, slope = self._log_error_and_slope(weight)
            return log_error, self._shares * (slope - self._shares @ (weight * slope)) / total / unit

        options = {"maxiter": _STEPS_A_ROUND, "ftol": 1e-15, "gtol": 1e-10, "maxcor": _STEPS_A_ROUND}
        bounds = [(0.0, None)] * unit.size
        result = minimize(
            objective, unit * start, jac=True, method="L-BFGS-B", bounds=bounds, callback=ended, options=options
        )
        return self._normalised(result.x / unit)[0]

    @cached_property
    def _shares(self) -> np.ndarray:
        """Share of the kept with each weight."""
        return np.bincount(self.nodes.group, self.nodes.share)

    def _normalised(self, weight: np.ndarray) -> tuple[np.ndarray, float]:
        """Weights of mean 1, and the mean before."""
        total = float(self._shares @ weight)
        return np.maximum(weight / total, _LEAST_WEIGHT), total

    def _gain(self, weight: np.ndarray) -> float:
        """The first-order gain."""
        _, slope = self._log_error_and_slope(weight)
        excess = slope - self._shares @ (weight * slope)
        return float(self._shares @ (weight * np.maximum(excess, 0.0) + np.maximum(-excess, 0.0)))

    def _log_error_and_slope(self, weight: np.ndarray) -> tuple[float, np.ndarray]:
        """ln ε, and d by weight; the last is remembered."""
        if self.last is None or not np.array_equal(self.last[0], weight):
            log_error, slopes = self.log_error_and_slopes(weight[self.nodes.group])
            self.last = weight, log_error, np.bincount(self.nodes.group, self.nodes.share * slopes) / self._shares
        return self.last[1:]

    def log_error_and_slopes(self, weight: np.ndarray) -> tuple[float, np.ndarray]:
        """ln ε, and d_i = ∂ ln ε/∂ w_i / s_i at the nodes."""
        averages = _Averages(self.nodes, weight)
        risk = RegularisedRisk(self.loss, averages)  # pyright: ignore[reportArgumentType]
        self.point = solve(risk, self.point)
        x, V, angle = self.point.components, self.point.scale, self.nodes.kept.probe_angle
        gradient = np.append(log_error_gradient(x, angle), 0.0)
        adjoint = -np.linalg.solve(risk.equations(self.point).jacobian.T, gradient)
        examples = averages.at(self.loss.breakpoints, x, V)
        p, slope = self.loss.proximal_and_slope(examples.field, V * weight[examples.row])
        F, b = examples.field - p, x[2]
        by_square = adjoint[2] / (2 * V * b) + adjoint[3] / (2 * b)
        change = adjoint[:3] @ examples.first(F * slope) / V - 2 * by_square * examples.mean(F**2 * slope)
        log_error = math.log(float(angle_to(x, in_plane(angle))) / math.pi)
        return log_error, self.point.alpha * change / weight
