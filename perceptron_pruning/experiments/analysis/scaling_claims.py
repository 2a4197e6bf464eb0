"""Whether error is a power law of the number of examples, at a fixed kept fraction and at the best one."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, effect, exact
from perceptron_pruning.experiments.analysis.scaling import (
    Envelope,
    LawFit,
    bend,
    compare_laws,
    envelope,
    exponent,
    log_spread,
)
from perceptron_pruning.experiments.plan import SEED

LEAST_SIZES = 4  # pool sizes to which a law is fitted
TELLING_BEND = 0.25  # change of the local exponent, over the exponent, below which a curve counts as a power law
_FASTER = ("exponential", "power law that bends")  # laws that fall faster than a power law, if the bend is negative


def fixed_fraction_is_power_law(errors: xr.DataArray, setting: str) -> Claim:
    """Whether the exponent changes by less than a quarter of itself over the range of sizes.

    Args:
        errors: Test errors with the dimensions rule, pool_size and seed.
        setting: Where it is tested.
    """
    values = errors.sel(rule="hard").transpose(SEED, "pool_size").values
    sizes = errors.pool_size.values
    slope = exponent(sizes, values)
    return Claim(
        statement="At a fixed kept fraction of the hardest, error is a power law of the number of examples",
        setting=f"{setting}, {sizes[0]} to {sizes[-1]} before pruning",
        measurements=(
            Measurement(
                quantity=f"change of the local exponent, whose mean is {slope}",
                effect=bend(sizes, values),
                criterion="within",
                reference=TELLING_BEND * abs(slope.value),
            ),
        ),
    )


def envelope_claims(errors: xr.DataArray, setting: str) -> Iterator[Claim]:
    """The gain of the best fraction at the largest size, and whether its error falls ever faster.

    Args:
        errors: Test errors with the dimensions rule, pool_size, keep_fraction and seed.
        setting: Where it is tested.
    """
    try:
        best = envelope(errors)
    except ValueError:  # the axes make no common size: there is nothing to judge
        return
    yield _beats_random(best, setting)
    if len(best.kept) >= LEAST_SIZES and log_spread(best.errors).all() and log_spread(best.random).all():
        yield _falls_faster(best, setting)


def _beats_random(best: Envelope, setting: str) -> Claim:
    chosen = ", ".join(f"{f:g} at {kept}" for kept, f in zip(best.kept, best.keep_fraction, strict=True))
    note = f"best fractions {chosen}"
    if len(best.kept) > 2:
        below = effect(_below_power_law(best))
        note = f"below the power law of the smaller random sets, continued to it, by {below}; {note}"
    return Claim(
        statement="With the best fraction for each size, the kept hard examples beat as many random ones",
        setting=f"{setting}, {best.kept[-1]} kept",
        measurements=(
            Measurement(
                quantity="ln(error of random / error of the envelope)",
                effect=effect(np.log(best.random[:, -1] / best.errors[:, -1])),
                criterion="helps",
            ),
        ),
        note=note,
    )


def _falls_faster(best: Envelope, setting: str) -> Claim:
    laws = compare_laws(best.kept, best.errors)
    random = compare_laws(best.kept, best.random)[0].name
    return Claim(
        statement="With the best fraction for each size, error falls faster than a power law",
        setting=f"{setting}, {best.kept[0]} to {best.kept[-1]} kept",
        measurements=(
            Measurement(
                quantity="change of the local exponent", effect=bend(best.kept, best.errors), criterion="below"
            ),
            _faster_law_fits(laws),
        ),
        note=(
            f"AIC (log-likelihood of the largest size, held out): {', '.join(map(str, laws))}; random: {random}, "
            f"exponent {exponent(best.kept, best.random)}, envelope's less random's {_steeper(best)}"
        ),
    )


def _faster_law_fits(laws: list[LawFit]) -> Measurement:
    """That a law which falls faster than a power law describes the envelope better than one that does not."""
    faster, slower = ([law.aic for law in laws if (law.name in _FASTER) == fast] for fast in (True, False))
    return Measurement(
        quantity="least AIC of power laws less that of faster laws",
        effect=exact(min(slower) - min(faster)),
        criterion="above",
        precondition=True,
    )


def _below_power_law(best: Envelope) -> np.ndarray:
    """ln(power law/envelope) at the largest size, (seeds,): a power law in all smaller random sets, one a seed."""
    sizes = np.log(best.kept)
    slope, level = np.polyfit(sizes[:-1], np.log(best.random[:, :-1]).T, 1)
    return level + slope * sizes[-1] - np.log(best.errors[:, -1])


def _steeper(best: Envelope) -> Effect:
    """The envelope's exponent less that of random keeping."""
    own, random = (np.polyfit(np.log(best.kept), np.log(values).T, 1)[0] for values in (best.errors, best.random))
    return effect(own - random)
