"""What an example tells: claims on the version space, which only the theory can weigh."""

import math
from collections.abc import Sequence
from itertools import pairwise

from perceptron_pruning.evidence.claim import THEORY, Claim, Measurement
from perceptron_pruning.evidence.effect import exact
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims import paper

_SETTING = "θ = 0, f = 0.1; theory alone: the volume of a version space cannot be measured by training students"
_ALONG = (3.0, 12.0)  # α from and to which the fraction shrinks
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
        paper=paper.INFORMATION,
        setting=_SETTING if measured else "",
        theory=theory,
        measurements=measured,
        figure="1F",
        tested_on=THEORY,
    )


def constant_gain(table: Sequence[Row]) -> Claim:
    """Every example bringing a constant gain would make the error exponential: the gain's fall is held against 1/α."""
    gains, papers = (_gains(table, kind, _LEAST) for kind in ("theory", "paper"))
    theory, measured = "", ()
    if gains:
        peak, large = max(gains.values()), min(gains, key=lambda alpha: abs(alpha - _LARGE))
        theory = (
            f"I is at most {peak:.3f} nats (the paper's formula: {max(papers.values()):.3f}) and {gains[large]:.4f} at "
            f"α = {large:.3g}, α I = {large * gains[large]:.3f}: it ends as 1/α at any fixed f, against ln 2 = "
            f"{math.log(2):.4f} at the start"
        )
        measured = (_theorys(f"I at α = {large:.3g} over its peak", gains[large] / peak, _REMAINS),)
    return Claim(
        statement="At a fixed kept fraction the information gain of an example does not run out as data grow",
        paper=paper.INFORMATION,
        setting=_SETTING if measured else "",
        theory=theory,
        measurements=measured,
        figure="1F",
        tested_on=THEORY,
    )


def gain_along_a_shrinking_fraction(table: Sequence[Row]) -> Claim:
    """With f = e^{−α} the volume of the version space falls by the same factor for every further example."""
    first, last = _ALONG
    entropies = {row["alpha_prune"]: row["entropy"] for row in table if row["kind"] == "shrinking"}
    alphas = sorted(alpha for alpha in entropies if first <= alpha <= last)
    theory, measured = "", ()
    if alphas:
        losses = [(entropies[low] - entropies[high]) / (high - low) for low, high in pairwise(alphas)]  # −ΔS/Δα, nats
        theory = (
            "S is a function of α plus ln f as f → 0 at α > 2: a further example brings 1/α by itself, and 1 nat by "
            "the harder choice of all"
        )
        quantity = f"least −ΔS/Δα at f = e^(−α) from α = {alphas[0]:g} to {alphas[-1]:g}, over its largest"
        measured = (_theorys(quantity, min(losses) / max(losses), _REMAINS),)
    return Claim(
        statement="With a fraction that shrinks as data grow the information gain of an example does not run out",
        paper=paper.SHRINKING_FRACTION,
        setting="θ = 0, f = e^(−α); theory alone" if measured else "",
        theory=theory,
        measurements=measured,
        figure="1F",
        tested_on=THEORY,
    )


def _theorys(quantity: str, value: float, least: float) -> Measurement:
    """A number of the theory itself, which must be above another."""
    return Measurement(quantity=quantity, effect=exact(value), criterion="above", reference=least, theory=value)


def _gains(table: Sequence[Row], kind: str, fraction: float) -> dict[float, float]:
    """Information gain I of a kind and kept fraction, nats, by α_prune."""
    rows = [row for row in table if row["kind"] == kind and row["keep_fraction"] == fraction]
    return {row["alpha_prune"]: row["information_gain"] for row in rows}
