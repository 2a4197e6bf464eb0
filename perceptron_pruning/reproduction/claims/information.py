"""What an example tells: claims on the version space, which only the theory can weigh."""

import math
from collections.abc import Sequence

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import exact
from perceptron_pruning.output.tables import Row

_SETTING = "θ = 0, f = 0.1; theory alone: the volume of a version space cannot be measured by training students"
_LEAST, _LARGE = 0.1, 8.0  # kept fraction; α at which the gain is held against its peak
_REMAINS = 0.5  # share of the peak gain that must remain at large α


def pruned_examples_tell_more(table: Sequence[Row]) -> Claim:
    """At every number of examples, the hardest tenth tells more an example than random ones."""
    pruned, random = (_gains(table, "theory", f) for f in (_LEAST, 1.0))
    ratios = {alpha: gain / random[alpha] for alpha, gain in pruned.items()}
    theory, measured = "", ()
    if ratios:
        best, worst = max(ratios, key=ratios.__getitem__), min(ratios, key=ratios.__getitem__)
        theory = (
            f"I(f = {_LEAST:g})/I(f = 1) is at most {ratios[best]:.3f}, at α = {best:.3g}, where I = "
            f"{pruned[best]:.3f} nats; it exceeds one bit because the selector knows the teacher"
        )
        measured = (_theorys(f"least I(f = {_LEAST:g})/I(f = 1), at α = {worst:.3g}", ratios[worst], 1.0),)
    return Claim(
        statement="Each kept example carries more information when the hardest are kept",
        setting=_SETTING if measured else "",
        theory=theory,
        measurements=measured,
        figure="1F",
    )


def constant_gain(table: Sequence[Row]) -> Claim:
    """Every example bringing a constant gain would make the error exponential: the gain's fall is held against 1/α."""
    gains, paper = (_gains(table, kind, _LEAST) for kind in ("theory", "paper"))
    theory, measured = "", ()
    if gains:
        peak, large = max(gains.values()), min(gains, key=lambda alpha: abs(alpha - _LARGE))
        theory = (
            f"I is at most {peak:.3f} nats (the paper's formula: {max(paper.values()):.3f}) and {gains[large]:.4f} at "
            f"α = {large:.3g}, α I = {large * gains[large]:.3f}: it ends as 1/α at any fixed f, against ln 2 = "
            f"{math.log(2):.4f} at the start"
        )
        measured = (_theorys(f"I at α = {large:.3g} over its peak", gains[large] / peak, _REMAINS),)
    return Claim(
        statement="With pruning the information gain of an example does not run out as data grow",
        setting=_SETTING if measured else "",
        theory=theory,
        measurements=measured,
        figure="1F",
    )


def _theorys(quantity: str, value: float, least: float) -> Measurement:
    """A number of the theory itself, which must be above another."""
    return Measurement(quantity=quantity, effect=exact(value), criterion="above", reference=least, theory=value)


def _gains(table: Sequence[Row], kind: str, fraction: float) -> dict[float, float]:
    """Information gain I of a kind and kept fraction, nats, by α_prune."""
    rows = [row for row in table if row["kind"] == kind and row["keep_fraction"] == fraction]
    return {row["alpha_prune"]: row["information_gain"] for row in rows}
