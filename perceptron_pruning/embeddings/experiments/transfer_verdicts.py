"""What pruning does to pretraining: each verdict is computed, with an interval over seeds."""

from collections.abc import Iterator
from dataclasses import replace

import xarray as xr

from perceptron_pruning.embeddings.experiments.plan import CHANCE
from perceptron_pruning.embeddings.experiments.scaling import effect
from perceptron_pruning.embeddings.experiments.verdict import LEAST_SEEDS, Verdict, within
from perceptron_pruning.reproduction.evidence import UNDECIDED


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
        if 1.0 in own.keep_fraction.values:
            whole = own.sel(keep_fraction=1.0).isel(metric=0, rule=0)
            yield pretraining_helps(whole, f"{student}, {int(table.pool_size)} examples")
        for metric in own.metric.values:
            for fraction in own.keep_fraction.values:
                if fraction < 1:
                    setting = f"{student}, {metric}, f = {fraction:g} of {int(table.pool_size)}"
                    errors = own.test_error.sel(metric=metric)
                    if 1.0 in own.keep_fraction.values:
                        yield hard_suffices(errors.sel(keep_fraction=[fraction, 1.0]), setting)
                    yield hard_beats_random(errors.sel(keep_fraction=fraction), setting)


def pretraining_helps(whole: xr.Dataset, setting: str) -> Verdict:
    """The control: without it nothing is transferred.

    Args:
        whole: ``test_error`` and ``untrained_error`` with the dimension seed, nothing pruned.
        setting: For the verdict.
    """
    gain = effect((whole.untrained_error - whole.test_error).values)
    return Verdict(
        claim="Pretraining on other classes helps a linear head on few examples",
        setting=setting,
        measured=f"target error of the untrained body less that of the pretrained: {gain}",
        verdict=gain.verdict(),
    )


def hard_suffices(errors: xr.DataArray, setting: str) -> Verdict:
    """Whether pretraining on the hardest comes within one point of pretraining on all.

    Args:
        errors: With the dimensions rule, keep_fraction (a part, and 1) and seed.
        setting: For the verdict.
    """
    part, whole = (errors.isel(keep_fraction=place) for place in (0, 1))
    losses = {str(rule): effect((part.sel(rule=rule) - whole.sel(rule=rule)).values) for rule in errors.rule.values}
    listed = ", ".join(f"{rule} {loss}" for rule, loss in losses.items())
    return Verdict(
        claim="Pretraining on the hardest examples transfers as well as on all, within one point",
        setting=setting,
        measured=f"target error less that after pretraining on all: {listed}",
        verdict=within(losses["hard"]),
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
