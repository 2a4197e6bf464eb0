"""The laws that were asked last, each with its last student, from which its next one is found by the curve's tangent.

A student found this way differs from one found afresh by the rounding of its equations.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np

from replica_theory._max_margin.newton import NewtonResult
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory.selection import KeptDistribution

_REMEMBERED = 256  # laws
_LONGEST_STEP = 2.0  # arclength over which the tangent is followed


@dataclass
class Law:
    """The distribution of kept examples, and the last student on them.

    Attributes:
        kept: The distribution.
        last: The student and the residual of the paper's equations: one value, which is replaced as a whole, so that
            threads that ask the same law never see the parts of two students.
    """

    kept: KeptDistribution
    last: tuple[NewtonResult, float] | None = None

    def at(self, alpha: float) -> tuple[NewtonResult, np.ndarray] | None:
        """The last student and its residual, if it is the one at this α."""
        if (found := self.last) is None or found[0].students.alpha != alpha:
            return None
        return found[0][None], np.array([found[1]])

    def remember(self, result: NewtonResult, residual: np.ndarray) -> None:
        """Keeps the last of these students."""
        self.last = result[-1], float(residual[-1])

    def near(self, alpha: float) -> OrderParameters | None:
        """The student at this α by the tangent at the last one; None if there is none near."""
        if (found := self.last) is None:
            return None
        last, _ = found
        log_ratio = math.log(alpha / last.students.alpha)
        if not abs(log_ratio) <= _LONGEST_STEP * last.tangents[0]:
            return None
        _, relative_k, log_scale, delta_angle = (log_ratio / last.tangents[0] * last.tangents).tolist()
        predicted = last.students.stepped(log_ratio, last.k_unit * relative_k, log_scale, delta_angle)
        return replace(predicted, alpha=np.longdouble(alpha))


class RememberedLaws:
    """The most recent laws of rules that are constant between edges, whose numbers are all that there is to a law."""

    def __init__(self) -> None:
        self._laws: OrderedDict[KeptDistribution, Law] = OrderedDict()

    def of(self, kept: KeptDistribution) -> Law:
        """The law of these kept examples, a new one if it is not remembered."""
        if not kept.is_constant:
            return Law(kept)
        law = self._laws.pop(kept, None) or Law(kept)
        self._laws[law.kept] = law
        if len(self._laws) > _REMEMBERED:
            self._laws.popitem(last=False)
        return law
