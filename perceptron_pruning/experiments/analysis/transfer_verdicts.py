"""What pruning does to pretraining: each verdict is computed, with an interval over seeds."""

from collections.abc import Iterator
from dataclasses import replace

import xarray as xr

from perceptron_pruning.evidence.effect import REFUTED, UNDECIDED, Effect, effect
from perceptron_pruning.experiments.analysis.verdict import LEAST_SEEDS, Verdict, within
from perceptron_pruning.experiments.plan import CHANCE


def judge_transfer(table: xr.Dataset) -> list[Verdict]:
    """Every claim for every network, metric and fraction of a `transfer` table, in its largest pool.

    Fewer than five seeds decide nothing.
    """
    verdicts = list(_verdicts(table.isel(class_floor=0, pool_size=-1)))
    if table.seed.size >= LEAST_SEEDS:
        return verdicts
    return [replace(verdict, verdict=UNDECIDED) for verdict in verdicts]


def _verdicts(table: xr.Dataset) -> Iterator[Verdict]:
    for student in table.student.values:
        own = table.sel(student=student)
        whole = own.sel(keep_fraction=1.0).isel(metric=0, rule=0) if 1.0 in own.keep_fraction.values else None
        if whole is not None:
            yield pretraining_helps(whole, f"{student}, {int(table.pool_size)} examples")
        for metric in own.metric.values:
            for fraction in own.keep_fraction.values:
                if fraction < 1:
                    setting = f"{student}, {metric}, f = {fraction:g} of {int(table.pool_size)}"
                    part = own.test_error.sel(metric=metric, keep_fraction=fraction)
                    if whole is not None:
                        yield hard_suffices(part, whole, setting)
                    yield hard_beats_random(part, setting)


def pretraining_helps(whole: xr.Dataset, setting: str) -> Verdict:
    """The control: without it nothing is transferred.

    Args:
        whole: ``test_error`` and ``untrained_error`` with the dimension seed, nothing pruned.
        setting: For the verdict.
    """
    gain = _gain(whole)
    return Verdict(
        claim="Pretraining on other classes helps a linear head on few examples",
        setting=setting,
        measured=f"target error of the untrained body less that of the pretrained: {gain}",
        verdict=gain.verdict(),
    )


def _gain(whole: xr.Dataset) -> Effect:
    return effect((whole.untrained_error - whole.test_error).values)


def hard_suffices(errors: xr.DataArray, whole: xr.Dataset, setting: str) -> Verdict:
    """Whether pretraining on the hardest comes within one point of pretraining on all.

    Undecided where no pretraining at all might come as close: there it says nothing.

    Args:
        errors: With the dimensions rule and seed.
        whole: As for `pretraining_helps`.
        setting: For the verdict.
    """
    losses = {str(rule): effect((errors.sel(rule=rule) - whole.test_error).values) for rule in errors.rule.values}
    telling = within(_gain(whole)) == REFUTED
    listed = ", ".join(f"{rule} {loss}" for rule, loss in losses.items())
    return Verdict(
        claim="Pretraining on the hardest examples transfers as well as on all, within one point",
        setting=setting,
        measured=f"target error less that after pretraining on all: {listed}"
        + ("" if telling else "; that without pretraining is within one point too, or may be"),
        verdict=within(losses["hard"]) if telling else UNDECIDED,
    )


def hard_beats_random(errors: xr.DataArray, setting: str) -> Verdict:
    """Gain of the hard rule over as many random examples.

    Args:
        errors: With the dimensions rule and seed.
        setting: For the verdict.
    """
    gain = effect((errors.sel(rule=CHANCE) - errors.sel(rule="hard")).values)
    return Verdict(
        claim="Pretraining on the hardest examples transfers better than on as many random ones",
        setting=setting,
        measured=f"target error of random less that of hard: {gain}",
        verdict=gain.verdict(),
    )
