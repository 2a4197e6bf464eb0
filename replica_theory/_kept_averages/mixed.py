"""Averages over the kept examples of several sources, each with a teacher, a probe, a rule and a weight of its own.

The student is x = (a, b), a on orthonormal axes that span all teachers and probes, b outside. A source knows the plane
of its own probe and teacher, of axes P₁ and P₂ among those; what the student has beyond that plane, r = x − P₁(P₁·x) −
P₂(P₂·x), is to it one more direction outside. With x' = (P₁·x, P₂·x, |r|) the student as the source sees it, T its axes
(P₁, P₂, r/|r|) as rows, and E' its averages, of examples that are standard normal on all axes but P₁ and P₂::

    E f = E' f,      E[f g] = Tᵀ E'[f g'],      E[f g gᵀ] = Tᵀ E'[f g' g'ᵀ] T + (1 − TᵀT) E' f

A weight c of a source is one of its loss: prox_{Vcℓ}. Averages over all are those of the sources in their shares.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory._kept_averages.quadrature import ORDER
from replica_theory.losses.breakpoints import Breakpoints


@dataclass(frozen=True, eq=False)
class SourceAverages:
    """One source.

    Attributes:
        averages: Of its kept examples, in its own plane.
        plane: P₁ and P₂ as rows, (2, k).
        share: Its share of all kept examples.
        weight: c > 0.
    """

    averages: KeptAverages
    plane: np.ndarray
    share: float
    weight: float

    def axes(self, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """T, (3, k + 1), and the student as the source sees it, (3,)."""
        plane = np.pad(self.plane, ((0, 0), (0, 1)))
        inside = plane @ components
        beyond = components - inside @ plane
        length = np.linalg.norm(beyond)
        return np.vstack([plane, beyond / length]), np.append(inside, length)


@dataclass(frozen=True, eq=False)
class MixedNodes:
    """`FieldNodes` of all sources, those of the first before those of the next.

    Attributes:
        parts: Of each source: share, axes T and nodes.
        field: ω, (nodes,).
        loss_weight: Weight of the loss at the node, (nodes,).
    """

    parts: Sequence[tuple[float, np.ndarray, FieldNodes]]
    field: np.ndarray
    loss_weight: np.ndarray

    def _split(self, values: np.ndarray) -> list[np.ndarray]:
        return np.split(values, np.cumsum([nodes.field.size for _, _, nodes in self.parts])[:-1])

    def mean(self, values: np.ndarray) -> float:
        """E f."""
        split = zip(self.parts, self._split(values), strict=True)
        return sum(share * nodes.mean(part) for (share, _, nodes), part in split)

    def first(self, values: np.ndarray) -> np.ndarray:
        """E[f g], (k + 1,)."""
        split = zip(self.parts, self._split(values), strict=True)
        return np.sum([share * nodes.first(part) @ axes for (share, axes, nodes), part in split], axis=0)

    def second(self, values: np.ndarray) -> np.ndarray:
        """E[f g gᵀ], (k + 1, k + 1)."""
        total = 0.0
        for (share, axes, nodes), part in zip(self.parts, self._split(values), strict=True):
            beyond = np.eye(axes.shape[1]) - axes.T @ axes
            total = total + share * (axes.T @ nodes.second(part) @ axes + beyond * nodes.mean(part))
        return np.asarray(total)


@dataclass(frozen=True, eq=False)
class MixedAverages:
    """`MixedNodes` at any student, as `KeptAverages` has `FieldNodes`.

    Attributes:
        sources: The sources, of shares that add up to 1.
    """

    sources: Sequence[SourceAverages]

    def __call__(self, breakpoints: Breakpoints, components: np.ndarray, scale: float) -> MixedNodes:
        return self._nodes(components, lambda s, seen: s.averages(breakpoints, seen, s.weight * scale))

    def by_quadrature(
        self, breakpoints: Breakpoints, components: np.ndarray, scale: float, order: int = ORDER
    ) -> MixedNodes:
        """The same without closed forms."""
        return self._nodes(
            components, lambda s, seen: s.averages.by_quadrature(breakpoints, seen, s.weight * scale, order)
        )

    def _nodes(
        self, components: np.ndarray, nodes_of: Callable[[SourceAverages, np.ndarray], FieldNodes]
    ) -> MixedNodes:
        parts, weights = [], []
        for source in self.sources:
            axes, seen = source.axes(components)
            nodes = nodes_of(source, seen)
            parts.append((source.share, axes, nodes))
            weights.append(source.weight * nodes.loss_weight * np.ones_like(nodes.field))
        return MixedNodes(parts, np.concatenate([nodes.field for _, _, nodes in parts]), np.concatenate(weights))

    @property
    def in_closed_form(self) -> bool:
        return all(source.averages.in_closed_form for source in self.sources)

    @property
    def unweighted(self) -> bool:
        return all(source.weight == 1 and source.averages.unweighted for source in self.sources)

    @cached_property
    def plane_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """E[y s], (k,), and E[s sᵀ], (k, k), of the fields on all axes."""
        mean, second = 0.0, 0.0
        for source in self.sources:
            plane, (first, square) = source.plane, source.averages.plane_moments
            mean = mean + source.share * first @ plane
            beyond = np.eye(plane.shape[1]) - plane.T @ plane
            second = second + source.share * (plane.T @ square @ plane + beyond)
        return np.asarray(mean), np.asarray(second)
