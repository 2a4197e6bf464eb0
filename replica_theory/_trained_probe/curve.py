"""Extrapolation of order parameters along a curve."""

import math
from dataclasses import dataclass, field

from replica_theory._trained_probe.order_parameters import OrderParameters

_DEGREE = 5  # of the polynomial through the last points, at most


@dataclass
class Curve:
    """Order parameters found at growing x = ln α (or −ln λ), from which the next ones are extrapolated.

    Attributes:
        farthest: Distance in x from the last point up to which there is an extrapolation.
        points: x and order parameters of the last points.
    """

    farthest: float = math.log(2)
    points: list[tuple[float, OrderParameters]] = field(default_factory=list)

    def add(self, x: float, student: OrderParameters) -> None:
        """Appends a point; the curve starts anew unless it is ahead of the last."""
        if self.points and not x > self.points[-1][0]:
            self.points.clear()
        self.points = [*self.points[-_DEGREE:], (x, student)]

    def ahead(self, x: float) -> OrderParameters | None:
        """The polynomial through the last points at x, as many as are spaced like the step to x; none if it is far."""
        if not self.points or not 0 <= x - self.points[-1][0] <= self.farthest:
            return None
        near = [point for point in self.points if x - point[0] <= 2 * (_DEGREE + 1) * (x - self.points[-1][0])]
        near = near or self.points[-1:]
        weights = [
            math.prod((x - other) / (at - other) for j, (other, _) in enumerate(near) if j != i)
            for i, (at, _) in enumerate(near)
        ]
        return OrderParameters.combined(weights, [student for _, student in near])
