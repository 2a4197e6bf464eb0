"""What a pilot's forecast is worth: does it choose rules well, and which theory reaches beyond the pilot?"""

import math
from collections.abc import Sequence

import numpy as np

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import effect
from perceptron_pruning.experiments.analysis.pilot_forecast import (
    FORECAST,
    Choice,
    Outcome,
    Place,
    always,
    best_fixed_rule,
    best_rules,
    beyond,
    by_forecast,
    log_bias,
    log_differences,
    regrets,
    within,
)

SMALL_BIAS = 0.05  # of ln ε: what "right on average" means
SMALL_REGRET = 0.02  # of ln ε: what a good choice may cost
_HINDSIGHT = "mean ln(ε of its choices/ε of the rule that is best on average over seeds)"


def pilot_claims(outcomes: Sequence[Outcome]) -> list[Claim]:
    """Every claim, for pools no larger than the pilot and for larger ones."""
    best = best_rules(outcomes)
    claims: list[Claim] = []
    for where, part in (("pools no larger than the pilot", within), ("pools larger than the pilot", beyond)):
        if some := part(outcomes):
            setting = _setting(some, where)
            claims += [_costs_little(some, best, setting), *_chooses_better(some, best, setting)]
            claims += [_is_nearer(some, setting, beyond_it=part is beyond), _has_the_level(some, setting)]
    return claims


def _costs_little(outcomes: Sequence[Outcome], best: dict[Place, str], setting: str) -> Claim:
    cost = effect(regrets(outcomes, by_forecast(FORECAST), best))
    return Claim(
        statement="Choosing between hard, easy and random by a pilot's forecast costs little against hindsight",
        setting=setting,
        measurements=(Measurement(quantity=_HINDSIGHT, effect=cost, criterion="below", reference=SMALL_REGRET),),
    )


def _chooses_better(outcomes: Sequence[Outcome], best: dict[Place, str], setting: str) -> list[Claim]:
    fixed = best_fixed_rule(outcomes, best)
    rivals: dict[str, Choice] = {
        "always random": always("random"),
        f"the one rule that is best for all, {fixed}": always(fixed),
        "cross-validation within the pilot": by_forecast("retrained"),
    }
    own = regrets(outcomes, by_forecast(FORECAST), best)
    return [_better(name, regrets(outcomes, rival, best) - own, setting) for name, rival in rivals.items()]


def _better(rival: str, gain: np.ndarray, setting: str) -> Claim:
    return Claim(
        statement=f"A pilot's forecast chooses rules better than {rival.partition(',')[0]}",
        setting=setting,
        measurements=(
            Measurement(
                quantity=f"mean ln ε chosen by {rival}, less that chosen by the forecast",
                effect=effect(gain),
                criterion="helps",
            ),
        ),
    )


def _is_nearer(outcomes: Sequence[Outcome], setting: str, *, beyond_it: bool) -> Claim:
    near, far = ("plane", "whole_law") if beyond_it else ("whole_law", "plane")
    words = {"plane": "cross-fitted plane and bulk", "whole_law": "whole law"}
    own, other = (log_differences(outcomes, name) for name in (near, far))
    return Claim(
        statement=f"The {words[near]} forecasts nearer than the {words[far]}",
        setting=setting,
        measurements=(
            Measurement(
                quantity="root mean square of ln(measured/predicted), the other's less its own",
                effect=effect(other - own),
                criterion="helps",
            ),
        ),
        note=f"its own {math.fsum(own) / own.size:.3f}, the other's {math.fsum(other) / other.size:.3f}",
    )


def _has_the_level(outcomes: Sequence[Outcome], setting: str) -> Claim:
    return Claim(
        statement="A pilot's forecast has the right level on average",
        setting=setting,
        measurements=(
            Measurement(
                quantity="mean ln(measured/forecast)",
                effect=effect(log_bias(outcomes, FORECAST)),
                criterion="within",
                reference=SMALL_BIAS,
            ),
        ),
    )


def _setting(outcomes: Sequence[Outcome], where: str) -> str:
    pairs = len({outcome.place[0] for outcome in outcomes})
    pilots = ", ".join(f"{rows}" for rows in sorted({outcome.pilot_rows for outcome in outcomes}))
    places = len({(outcome.place, outcome.pilot_rows) for outcome in outcomes})
    seeds = len({outcome.seed for outcome in outcomes})
    return f"{pairs} pairs of classes; {where}; pilots of {pilots} rows; {places} choices a seed, {seeds} seeds"
