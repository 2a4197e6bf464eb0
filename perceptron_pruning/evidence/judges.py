"""The judges: what a printed number with its interval says of a statement. Every verdict of the project is theirs."""

import math
from typing import Literal, get_args

from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.evidence.thresholds import LARGEST_Z, LEAST_DEGREES_OF_FREEDOM

Verdict = Literal["confirmed", "confirmed in this regime", "refuted", "undecided"]
CONFIRMED: Literal["confirmed"] = "confirmed"
IN_REGIME: Literal["confirmed in this regime"] = "confirmed in this regime"
REFUTED: Literal["refuted"] = "refuted"
UNDECIDED: Literal["undecided"] = "undecided"

Direction = Literal["helps", "hurts", "no difference"]

Criterion = Literal["above", "below", "within", "equal", "helps", "hurts"]
"""What a statement says of a number x, with 95 % interval [low, high], and a reference r:

- ``above``: x > r; confirmed if low > r, refuted if high < r.
- ``below``: x < r; confirmed if high < r, refuted if low > r.
- ``within``: |x| < r; confirmed if −r < low and high < r, refuted if low > r or high < −r.
- ``equal``: x = r; confirmed if |z| ≤ LARGEST_Z, else refuted; z as in `z_score`.
- ``helps``, ``hurts``: a gain x is above, below 0.

Undecided otherwise, and where the standard error rests on fewer than five seeds.
"""


def judged(effect: Effect, criterion: Criterion, *, reference: float = 0.0, allowance: float = 0.0) -> Verdict:
    """The verdict on one number; see `Criterion`.

    Args:
        effect: The number with its standard error.
        criterion: What the statement says of it.
        reference: r.
        allowance: Standard uncertainty of the comparison besides the standard error, for ``equal``.

    Raises:
        ValueError: There is no such criterion.
    """
    if not decides(effect):
        return UNDECIDED
    low, high = effect.low, effect.high
    match criterion:
        case "above" | "helps":
            return _decided(low > reference, high < reference)
        case "below" | "hurts":
            return _decided(high < reference, low > reference)
        case "within":
            return _decided(-reference < low and high < reference, low > reference or high < -reference)
        case "equal":
            z = z_score(effect, reference, allowance)
            return _decided(abs(z) <= LARGEST_Z, abs(z) > LARGEST_Z)
    raise ValueError(f"`criterion` must be one of {', '.join(get_args(Criterion))}; got {criterion!r}")


def decides(effect: Effect) -> bool:
    """Whether anything can follow from a number: it is one, and so is its standard error, of five seeds or more."""
    known = not math.isnan(effect.value) and math.isfinite(effect.standard_error)
    return known and effect.degrees_of_freedom >= LEAST_DEGREES_OF_FREEDOM


def z_score(effect: Effect, reference: float, allowance: float = 0.0) -> float:
    """z = (x − r) / √(standard error² + allowance²); 0 where x = r exactly, NaN where an uncertainty is."""
    difference = effect.value - reference
    uncertainty = math.hypot(effect.standard_error, allowance)
    if uncertainty != 0:
        return difference / uncertainty
    return math.copysign(math.inf, difference) if difference else 0.0


def direction(gain: Effect) -> Direction:
    """Whether a gain's 95 % interval lies above 0, below it, or holds it."""
    verdict = judged(gain, "helps")
    return "helps" if verdict == CONFIRMED else "hurts" if verdict == REFUTED else "no difference"


def _decided(holds: bool, fails: bool) -> Verdict:
    return CONFIRMED if holds else REFUTED if fails else UNDECIDED
