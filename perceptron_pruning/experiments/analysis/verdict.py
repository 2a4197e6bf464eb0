"""What a table of experiments allows to say of a claim."""

from collections.abc import Sequence
from dataclasses import dataclass

from perceptron_pruning.evidence.effect import CONFIRMED, REFUTED, UNDECIDED, Effect

LEAST_SEEDS = 5
SAME = 0.01  # test errors within one point count as equal


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One row of the findings.

    Attributes:
        claim: The statement.
        setting: Student, metric, fraction, class floor.
        measured: The effects with their intervals.
        verdict: confirmed, refuted or undecided.
    """

    claim: str
    setting: str
    measured: str
    verdict: str


def both(*verdicts: str) -> str:
    """Of a claim with several parts: refuted with one of them, confirmed with all."""
    if REFUTED in verdicts:
        return REFUTED
    return CONFIRMED if set(verdicts) == {CONFIRMED} else UNDECIDED


def within(loss: Effect) -> str:
    """Of the claim that a loss is below `SAME`, by its 95 % interval."""
    if loss.value + loss.half_width < SAME:
        return CONFIRMED
    return REFUTED if loss.value - loss.half_width > SAME else UNDECIDED


def as_text(verdicts: Sequence[Verdict]) -> str:
    """The findings as lines for a terminal."""
    return "\n".join(f"{v.verdict.upper():<11}{v.claim}\n    {v.setting}\n    {v.measured}" for v in verdicts)
