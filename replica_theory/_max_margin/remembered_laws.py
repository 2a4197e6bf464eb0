"""The laws that were asked last, each with its last student, from which its next one is found by the curve's tangent.

A student found this way differs from one found afresh by the rounding of its equations.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, replace

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
        last: The student, in numbers, and the residual of the paper's equations: one value, which is replaced as a
            whole, so that threads that ask the same law never see the parts of two students.
    """

    kept: KeptDistribution
    last: tuple[NewtonResult, float] | None = None

    def at(self, alpha: float) -> tuple[NewtonResult, float] | None:
        """The last student and its residual, if it is the one at this α."""
        return found if (found := self.last) and found[0].students.alpha == alpha else None

    def near(self, alpha: float) -> OrderParameters | None:
        """The student at this α by the tangent at the last one; None if there is none near."""
        if (found := self.last) is None:
            return None
        last, _ = found
        along, relative_k, log_scale, angle = last.tangent
        arclength = math.log(alpha / last.students.alpha) / along
        if not abs(arclength) <= _LONGEST_STEP:
            return None
        delta_k = last.k_unit * relative_k
        predicted = last.students.stepped(0.0, arclength * delta_k, arclength * log_scale, arclength * angle)
        return replace(predicted, alpha=alpha)


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
