"""The paper's predictions held against a table of retrained students: each verdict is computed, with an interval.

Intervals are Student's, 95 %, over seeds. They are over draws of the pool from the same training rows: large pools
overlap, so that they say less and less about other data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from perceptron_pruning.embeddings.metrics.registry import family_of
from perceptron_pruning.evidence.effect import CONFIRMED, REFUTED, UNDECIDED, Effect, effect
from perceptron_pruning.experiments.analysis.end_to_end import agrees_with_embeddings, sees_images
from perceptron_pruning.experiments.analysis.scaling import Envelope, bend, compare_laws, envelope, exponent
from perceptron_pruning.experiments.analysis.verdict import LEAST_SEEDS, Verdict, both, within
from perceptron_pruning.experiments.plan import SEED

LEAST_SIZES = 4  # of pools, for a law
TELLING_BEND = 0.25  # share of the exponent within which a bend must be known before its absence means anything
LABEL_FREE = "self_supervised_prototypes"


def judge(table: xr.Dataset) -> list[Verdict]:
    """Every claim that the table's axes allow, for every student, metric and fraction of it.

    Fewer than five seeds decide nothing.
    """
    verdicts = list(_verdicts(table.test_error))
    if table.seed.size >= LEAST_SEEDS:
        return verdicts
    return [replace(verdict, verdict=UNDECIDED) for verdict in verdicts]


def _verdicts(errors: xr.DataArray) -> Iterator[Verdict]:
    pruned = [float(f) for f in errors.keep_fraction.values if f < 1]
    for student in errors.student.values:
        own = errors.sel(student=student)
        main = own.isel(class_floor=0)
        for metric in main.metric.values:
            ranked = main.sel(metric=metric)
            for fraction in pruned:
                yield size_decides(ranked.sel(keep_fraction=fraction), f"{student}, {metric}, f = {fraction:g}")
            if main.pool_size.size >= LEAST_SIZES:
                for fraction in pruned:
                    setting = f"{student}, {metric}, f = {fraction:g}"
                    yield fixed_fraction_is_power_law(ranked.sel(keep_fraction=fraction), setting)
                if 1.0 in main.keep_fraction.values:
                    yield from envelope_beats_random(ranked, f"{student}, {metric}")
            if own.class_floor.size > 1:
                for fraction in pruned:
                    setting = f"{student}, {metric}, f = {fraction:g}"
                    yield class_floor_helps(own.sel(metric=metric, keep_fraction=fraction), setting)
        if LABEL_FREE in main.metric.values and main.metric.size > 1:
            for fraction in pruned:
                setting = f"{student}, f = {fraction:g}"
                yield best_metric_helps(main.sel(keep_fraction=fraction), setting)
                yield label_free_suffices(main.sel(keep_fraction=fraction), setting)
    for network in filter(sees_images, errors.student.values):
        for student in (name for name in errors.student.values if not sees_images(name)):
            for metric in errors.metric.values:
                pair = errors.sel(metric=metric, keep_fraction=pruned).isel(class_floor=0)
                yield agrees_with_embeddings(pair, network, student, f"{network} and {student}, {metric}")


def size_decides(errors: xr.DataArray, setting: str, rival: str = "random") -> Verdict:
    """Confirmed if keeping hard hurts in the smallest pool and helps in the largest; refuted if either is reversed.

    Args:
        errors: With the dimensions rule, pool_size and seed.
        setting: Of the verdict.
        rival: The rule to which keeping hard is compared.
    """
    gain = _values(errors.sel(rule=rival) - errors.sel(rule="hard"), "pool_size")
    small, large = effect(-gain[:, 0]), effect(gain[:, -1])
    sizes = errors.pool_size.values
    return Verdict(
        claim="Keeping hard hurts when data are scarce and helps when they abound, relative to " + rival,
        setting=setting,
        measured=f"hard − {rival}: {effect(-gain[:, 0])} at {sizes[0]}, {effect(-gain[:, -1])} at {sizes[-1]}",
        verdict=both(small.verdict(), large.verdict()),
    )


def fixed_fraction_is_power_law(errors: xr.DataArray, setting: str) -> Verdict:
    """Refuted if the exponent changes over the range; confirmed if it is known to change by less than a quarter.

    Args:
        errors: With the dimensions rule, pool_size and seed.
    """
    values = _values(errors.sel(rule="hard"), "pool_size")
    sizes = errors.pool_size.values
    slope, change = exponent(sizes, values), bend(sizes, values)
    verdict = UNDECIDED
    if abs(change.value) > change.half_width:
        verdict = REFUTED
    elif abs(change.value) + change.half_width < TELLING_BEND * abs(slope.value):
        verdict = CONFIRMED
    return Verdict(
        claim="At a fixed kept fraction of the hardest, error is a power law of the number of examples",
        setting=setting,
        measured=f"exponent {slope}, which changes by {change} from {sizes[0]} to {sizes[-1]} before pruning",
        verdict=verdict,
    )


def envelope_beats_random(errors: xr.DataArray, setting: str) -> Iterator[Verdict]:
    """Two verdicts: the gain at the largest size, and whether the envelope falls ever faster.

    Args:
        errors: With the dimensions rule, pool_size, keep_fraction and seed.
    """
    try:
        best = envelope(errors)
    except ValueError:  # the axes make no common size: there is nothing to judge
        return
    gain = effect(np.log(best.random[:, -1] / best.errors[:, -1]))
    continued = (
        ""
        if len(best.kept) < 3
        else (f"; below the power law of the smaller random sets, continued to it, by {effect(_below_power_law(best))}")
    )
    chosen = ", ".join(f"{f:g} at {kept}" for kept, f in zip(best.kept, best.keep_fraction, strict=True))
    yield Verdict(
        claim="With the best fraction for each size, the kept hard examples beat as many random ones",
        setting=f"{setting}, {best.kept[-1]} kept",
        measured=f"ln(random/envelope) = {gain} at the largest size{continued}; best fractions {chosen}",
        verdict=gain.verdict(),
    )
    if len(best.kept) < LEAST_SIZES:
        return
    laws, baseline = compare_laws(best.kept, best.errors), compare_laws(best.kept, best.random)
    change, steeper = bend(best.kept, best.errors), _steeper(best.kept, best.errors, best.random)
    faster = change.value < -change.half_width and laws[0].name in ("exponential", "power law that bends")
    slower = change.value > change.half_width
    yield Verdict(
        claim="With the best fraction for each size, error falls faster than a power law",
        setting=setting,
        measured=(
            f"local exponent changes by {change}; AIC (log-likelihood of the largest size, held out): "
            + ", ".join(f"{law.name} {law.aic:.1f} ({law.held_out:+.1f})" for law in laws)
            + f"; random: {baseline[0].name}, "
            f"exponent {exponent(best.kept, best.random)}, envelope's less random's {steeper}"
        ),
        verdict=CONFIRMED if faster else REFUTED if slower else UNDECIDED,
    )


def class_floor_helps(errors: xr.DataArray, setting: str) -> Verdict:
    """Gain of the largest floor over the smallest, in the largest pool, for the hard rule.

    Args:
        errors: With the dimensions rule, class_floor, pool_size and seed.
    """
    ordered = errors.sel(rule="hard").isel(pool_size=-1).sortby("class_floor")
    gain = effect(_values(ordered, "class_floor")[:, 0] - _values(ordered, "class_floor")[:, -1])
    low, high = ordered.class_floor.values[[0, -1]]
    size = errors.pool_size.values[-1]
    return Verdict(
        claim="A floor for every class helps the hard rule",
        setting=setting,
        measured=f"error with a floor of {low:g} less that with {high:g}: {gain}, {size} in the pool",
        verdict=gain.verdict(),
    )


def label_free_suffices(errors: xr.DataArray, setting: str) -> Verdict:
    """Whether self-supervised prototypes come within one point of the best metric that sees labels.

    Args:
        errors: With the dimensions metric, rule, pool_size and seed.
    """
    largest = errors.sel(rule="hard").isel(pool_size=-1)
    name, best = best_metric(largest, [name for name in errors.metric.values if family_of(name).labels])
    loss = effect(_values(largest.sel(metric=[LABEL_FREE]), "metric")[:, 0] - best)
    return Verdict(
        claim="Label-free prototypes come within one point of the best supervised metric",
        setting=f"{setting}, {errors.pool_size.values[-1]} in the pool",
        measured=f"their error less that of {name}: {loss}",
        verdict=within(loss),
    )


def best_metric_helps(errors: xr.DataArray, setting: str) -> Verdict:
    """Whether the best of all metrics beats random keeping in the largest pool.

    Args:
        errors: With the dimensions metric, rule, pool_size and seed.
    """
    largest = errors.isel(pool_size=-1)
    name, best = best_metric(largest.sel(rule="hard"), list(errors.metric.values))
    chance = _values(largest.sel(rule="random"), "metric")[:, 0]
    gain = effect(chance - best)
    return Verdict(
        claim="The best metric keeps a better training set than chance does",
        setting=f"{setting}, {errors.pool_size.values[-1]} in the pool",
        measured=f"error at random less that of {name}: {gain}",
        verdict=gain.verdict(),
    )


def best_metric(errors: xr.DataArray, names: Sequence[str]) -> tuple[str, np.ndarray]:
    """The best of some metrics, and its errors (seeds,), for each seed those of the one that the other seeds choose.

    Args:
        errors: With the dimensions metric and seed.
        names: Of metrics.
    """
    values = _values(errors.sel(metric=list(names)), "metric")
    others = (values.sum(axis=0) - values) / (len(values) - 1)
    return str(names[int(values.mean(axis=0).argmin())]), values[np.arange(len(values)), others.argmin(axis=1)]


@dataclass(frozen=True, kw_only=True)
class Rank:
    """One metric in the benchmark: test error of what it keeps hard, and the gain over random keeping."""

    metric: str
    keep_fraction: float
    test_error: Effect
    gain: Effect


def benchmark(errors: xr.DataArray) -> list[Rank]:
    """All metrics in the largest pool, for each fraction the best first.

    Args:
        errors: With the dimensions metric, rule, pool_size, keep_fraction and seed.
    """
    largest = errors.isel(pool_size=-1)
    ranks = [
        Rank(
            metric=str(metric),
            keep_fraction=float(fraction),
            test_error=effect(own.sel(rule="hard").values),
            gain=effect(own.sel(rule="random").values - own.sel(rule="hard").values),
        )
        for fraction in errors.keep_fraction.values
        if fraction < 1
        for metric in errors.metric.values
        for own in [largest.sel(metric=metric, keep_fraction=fraction)]
    ]
    return sorted(ranks, key=lambda rank: (rank.keep_fraction, rank.test_error.value))


def _below_power_law(best: Envelope) -> np.ndarray:
    """ln(power law/envelope) at the largest size, (seeds,): a power law in all smaller random sets, one a seed."""
    sizes = np.log(best.kept)
    slope, level = np.polyfit(sizes[:-1], np.log(best.random[:, :-1]).T, 1)
    return level + slope * sizes[-1] - np.log(best.errors[:, -1])


def _steeper(kept: np.ndarray, errors: np.ndarray, baseline: np.ndarray) -> Effect:
    slopes = [np.polyfit(np.log(kept), np.log(values).T, 1)[0] for values in (errors, baseline)]
    return effect(slopes[0] - slopes[1])


def _values(errors: xr.DataArray, axis: str) -> np.ndarray:
    """(seeds, axis)."""
    return errors.transpose(SEED, axis).values
