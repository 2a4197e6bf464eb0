"""Whether the pool's size decides which examples to keep, and whether a class floor helps."""

import xarray as xr

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.plan import CHANCE, SEED


def size_decides(errors: xr.DataArray, setting: str, rival: str = CHANCE) -> Claim:
    """Confirmed if keeping hard hurts in the smallest pool and helps in the largest; refuted if either is reversed.

    Args:
        errors: Test errors with the dimensions rule, pool_size and seed.
        setting: Where it is tested.
        rival: The rule to which keeping hard is compared.
    """
    gain = errors.sel(rule=rival) - errors.sel(rule="hard")
    small, large = (int(size) for size in errors.pool_size.values[[0, -1]])
    return Claim(
        statement=f"Keeping hard hurts when data are scarce and helps when they abound, relative to {rival}",
        setting=setting,
        measurements=(
            Measurement(quantity=_gain_at(rival, small), effect=_of_pool(gain, 0), criterion="hurts"),
            Measurement(quantity=_gain_at(rival, large), effect=_of_pool(gain, -1), criterion="helps"),
        ),
    )


def _gain_at(rival: str, pool_size: int) -> str:
    return f"error of {rival} − error of hard, {pool_size} in the pool"


def _of_pool(gain: xr.DataArray, place: int) -> Effect:
    return effect(gain.isel(pool_size=place).values)


def class_floor_helps(errors: xr.DataArray, setting: str) -> Claim:
    """Gain of the largest floor over the smallest, in the largest pool, for the hard rule.

    Args:
        errors: Test errors with the dimensions rule, class_floor, pool_size and seed.
        setting: Where it is tested.
    """
    ordered = errors.sel(rule="hard").isel(pool_size=-1).sortby("class_floor").transpose(SEED, "class_floor")
    low, high = ordered.class_floor.values[[0, -1]]
    return Claim(
        statement="A floor for every class helps the hard rule",
        setting=f"{setting}, {int(errors.pool_size.values[-1])} in the pool",
        measurements=(
            Measurement(
                quantity=f"error with a floor of {low:g} − error with {high:g}",
                effect=effect(ordered.values[:, 0] - ordered.values[:, -1]),
                criterion="helps",
            ),
        ),
    )
