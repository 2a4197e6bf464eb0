"""What pruning does to pretraining."""

from collections.abc import Iterator

import xarray as xr

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.analysis.metric_claims import SAME
from perceptron_pruning.experiments.plan import CHANCE


def judge_transfer(table: xr.Dataset) -> list[Claim]:
    """Every claim for every network, metric and fraction of a `transfer` table, in its largest pool."""
    return list(_claims(table.isel(class_floor=0, pool_size=-1)))


def _claims(table: xr.Dataset) -> Iterator[Claim]:
    pruned = [float(fraction) for fraction in table.keep_fraction.values if fraction < 1]
    for student in table.student.values:
        own = table.sel(student=student)
        whole = own.sel(keep_fraction=1.0).isel(metric=0, rule=0) if 1.0 in own.keep_fraction.values else None
        if whole is not None:
            yield pretraining_helps(whole, f"{student}, {int(table.pool_size)} examples")
        for metric in own.metric.values:
            for fraction in pruned:
                setting = f"{student}, {metric}, f = {fraction:g} of {int(table.pool_size)}"
                part = own.test_error.sel(metric=metric, keep_fraction=fraction)
                if whole is not None:
                    yield hard_suffices(part, whole, setting)
                yield hard_beats_random(part, setting)


def pretraining_helps(whole: xr.Dataset, setting: str) -> Claim:
    """The control: without it nothing is transferred.

    Args:
        whole: ``test_error`` and ``untrained_error`` with the dimension seed, nothing pruned.
        setting: Where it is tested.
    """
    return Claim(
        statement="Pretraining on other classes helps a linear head on few examples",
        setting=setting,
        measurements=(Measurement(quantity=_GAIN, effect=_gain(whole), criterion="helps"),),
    )


_GAIN = "target error of the untrained body − that of the pretrained"


def _gain(whole: xr.Dataset) -> Effect:
    return effect((whole.untrained_error - whole.test_error).values)


def hard_suffices(errors: xr.DataArray, whole: xr.Dataset, setting: str) -> Claim:
    """Whether pretraining on the hardest comes within one point of pretraining on all.

    Only where no pretraining at all does not come as close does it say something.

    Args:
        errors: Target errors with the dimensions rule and seed.
        whole: ``test_error`` and ``untrained_error`` with the dimension seed, nothing pruned.
        setting: Where it is tested.
    """
    losses = {str(rule): effect((errors.sel(rule=rule) - whole.test_error).values) for rule in errors.rule.values}
    return Claim(
        statement="Pretraining on the hardest examples transfers as well as on all, within one point",
        setting=setting,
        measurements=(
            Measurement(
                quantity="target error of hard − that after pretraining on all",
                effect=losses["hard"],
                criterion="below",
                reference=SAME,
            ),
            Measurement(quantity=_GAIN, effect=_gain(whole), criterion="above", reference=SAME, precondition=True),
        ),
        note="of the other rules: " + ", ".join(f"{rule} {loss}" for rule, loss in losses.items() if rule != "hard"),
    )


def hard_beats_random(errors: xr.DataArray, setting: str) -> Claim:
    """Gain of the hard rule over as many random examples.

    Args:
        errors: Target errors with the dimensions rule and seed.
        setting: Where it is tested.
    """
    return Claim(
        statement="Pretraining on the hardest examples transfers better than on as many random ones",
        setting=setting,
        measurements=(
            Measurement(
                quantity="target error of random − that of hard",
                effect=effect((errors.sel(rule=CHANCE) - errors.sel(rule="hard")).values),
                criterion="helps",
            ),
        ),
    )
