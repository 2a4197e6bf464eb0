"""What an example tells: claims on the version space, which only the theory can weigh."""

import math
from collections.abc import Sequence

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.evidence.effect import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED
from perceptron_pruning.output.tables import Row

_NOT_SIMULATED = "not simulated: the volume of a version space cannot be measured by training students"
_LEAST, _LARGE = 0.1, 8.0


def pruned_examples_tell_more(table: Sequence[Row]) -> Claim:
    """At every number of examples, the hardest tenth tells more an example than random ones."""
    pruned, random = (_gains(table, "theory", f) for f in (_LEAST, 1.0))
    theory, verdict = "no table", UNDECIDED
    if pruned:
        ratios = {alpha: gain / random[alpha] for alpha, gain in pruned.items()}
        best = max(ratios, key=lambda alpha: ratios[alpha])
        worse = [alpha for alpha, ratio in ratios.items() if ratio < 1]
        verdict = REFUTED if ratios[best] <= 1 else IN_REGIME if worse else CONFIRMED
        theory = (
            f"I(f = {_LEAST:g})/I(f = 1) = {min(ratios.values()):.4f} to {ratios[best]:.3f}, largest at "
            f"α = {best:.3g}, where I = {pruned[best]:.3f} nats; it exceeds one bit because the "
            "selector knows the teacher"
        )
    return _claim("Each kept example carries more information when the hardest are kept", theory, verdict)


def constant_gain(table: Sequence[Row]) -> Claim:
    """Every example bringing a constant gain would make the error exponential: the gain's fall is held against 1/α."""
    exact, paper = (_gains(table, kind, _LEAST) for kind in ("theory", "paper"))
    theory, verdict = "no table", UNDECIDED
    if exact:
        peak, large = max(exact.values()), min(exact, key=lambda alpha: abs(alpha - _LARGE))
        remains = exact[large] / peak
        verdict = REFUTED if remains < 0.5 else CONFIRMED
        theory = (
            f"f = {_LEAST:g}: I is at most {peak:.3f} nats (the paper's formula: {max(paper.values()):.3f}) and "
            f"{exact[large]:.4f} at α = {large:.3g}, α I = {large * exact[large]:.3f}: it ends as 1/α at any fixed f, "
            f"against ln 2 = {math.log(2):.4f} at the start"
        )
    return _claim("With pruning the information gain of an example does not run out as data grow", theory, verdict)


def _claim(statement: str, theory: str, verdict: str) -> Claim:
    return Claim(
        claim=statement,
        theory=theory,
        measured=_NOT_SIMULATED,
        verdict=verdict,
        figure="1F",
        predicted="" if verdict == UNDECIDED else verdict,
    )


def _gains(table: Sequence[Row], kind: str, fraction: float) -> dict[float, float]:
    rows = [row for row in table if row["kind"] == kind and row["keep_fraction"] == fraction]
    return {row["alpha_prune"]: row["information_gain"] for row in rows}
