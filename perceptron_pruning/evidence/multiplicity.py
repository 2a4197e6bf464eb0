"""What many verdicts together are worth: how many would be decided by chance, and which stay decided for all."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.judges import UNDECIDED, decides
from perceptron_pruning.evidence.thresholds import CONFIDENCE

_DIRECTED = ("above", "below", "helps", "hurts")


@dataclass(frozen=True, kw_only=True)
class Multiplicity:
    """Numbers that are judged by their 95 % intervals, many at once.

    Attributes:
        judged: How many.
        decided: How many of them have an interval that excludes the reference.
        decided_together: How many stay decided when the chance of one false decision among all is 5 % (Holm 1979).
    """

    judged: int
    decided: int
    decided_together: int

    @property
    def by_chance(self) -> float:
        """How many would be decided if there were no effects."""
        return (1 - CONFIDENCE) * self.judged

    def __str__(self) -> str:
        return (
            f"{self.judged} numbers are judged by their 95 % intervals, of which {self.decided} are decided; if there "
            f"were no effects, {self.by_chance:.1f} would be, by chance. {self.decided_together} stay decided when the "
            f"chance of one false decision among all is 5 % (Holm's correction)."
        )


def multiplicity(claims: Iterable[Claim]) -> Multiplicity:
    """Of all measured effects whose direction a claim asks for; preconditions and exact numbers are no tests."""
    tests = [m for claim in claims for m in claim.measurements if _is_test(m)]
    p_values = np.sort([p_value(m) if decides(m.effect) else 1.0 for m in tests])
    steps = (1 - CONFIDENCE) / np.arange(len(tests), 0, -1)
    failing = np.flatnonzero(p_values > steps)
    return Multiplicity(
        judged=len(tests),
        decided=sum(m.verdict != UNDECIDED for m in tests),
        decided_together=int(failing[0]) if failing.size else len(tests),
    )


def p_value(measurement: Measurement) -> float:
    """Two-sided p of a measured effect against its reference, by Student's t."""
    effect = measurement.effect
    t = abs(effect.value - measurement.reference) / effect.standard_error
    return 2 * float(stdtr(effect.degrees_of_freedom, -t))


def _is_test(measurement: Measurement) -> bool:
    return measurement.criterion in _DIRECTED and not measurement.precondition and measurement.effect.standard_error > 0
