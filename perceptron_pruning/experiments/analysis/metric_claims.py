"""Which metric keeps the better training set: the benchmark, and whether labels are needed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from perceptron_pruning.embeddings.metrics.registry import family_of
from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.plan import CHANCE, SEED

LABEL_FREE = "self_supervised_prototypes"
SAME = 0.01  # difference of test errors below which they count as equal: one percentage point


def label_free_suffices(errors: xr.DataArray, setting: str) -> Claim:
    """Whether self-supervised prototypes come within one point of the best metric that sees labels.

    Args:
        errors: Test errors with the dimensions metric, rule, pool_size and seed.
        setting: Where it is tested.
    """
    largest = errors.sel(rule="hard").isel(pool_size=-1)
    name, best = best_metric(largest, [name for name in errors.metric.values if family_of(name).labels])
    return Claim(
        statement="Label-free prototypes come within one point of the best supervised metric",
        setting=_in_pool(setting, errors),
        measurements=(
            Measurement(
                quantity=f"their error − error of {name}",
                effect=effect(largest.sel(metric=LABEL_FREE).values - best),
                criterion="below",
                reference=SAME,
            ),
        ),
    )


def best_metric_helps(errors: xr.DataArray, setting: str) -> Claim:
    """Whether the best of all metrics beats random keeping in the largest pool.

    Args:
        errors: Test errors with the dimensions metric, rule, pool_size and seed.
        setting: Where it is tested.
    """
    largest = errors.isel(pool_size=-1)
    name, best = best_metric(largest.sel(rule="hard"), list(errors.metric.values))
    return Claim(
        statement="The best metric keeps a better training set than chance does",
        setting=_in_pool(setting, errors),
        measurements=(
            Measurement(
                quantity=f"error of random − error of {name}",
                effect=effect(largest.sel(rule=CHANCE).isel(metric=0).values - best),
                criterion="helps",
            ),
        ),
    )


def _in_pool(setting: str, errors: xr.DataArray) -> str:
    return f"{setting}, {int(errors.pool_size.values[-1])} in the pool"


def best_metric(errors: xr.DataArray, names: Sequence[str]) -> tuple[str, np.ndarray]:
    """The best of some metrics, and its errors (seeds,), for each seed those of the one that the other seeds choose.

    Args:
        errors: Test errors with the dimensions metric and seed.
        names: The metrics.
    """
    values = errors.sel(metric=list(names)).transpose(SEED, "metric").values
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
        errors: Test errors with the dimensions metric, rule, pool_size, keep_fraction and seed.
    """
    largest = errors.isel(pool_size=-1)
    ranks = [
        _rank(str(metric), float(fraction), largest.sel(metric=metric, keep_fraction=fraction))
        for fraction in errors.keep_fraction.values
        if fraction < 1
        for metric in errors.metric.values
    ]
    return sorted(ranks, key=lambda rank: (rank.keep_fraction, rank.test_error.value))


def _rank(metric: str, keep_fraction: float, errors: xr.DataArray) -> Rank:
    hard, random = errors.sel(rule="hard").values, errors.sel(rule=CHANCE).values
    return Rank(metric=metric, keep_fraction=keep_fraction, test_error=effect(hard), gain=effect(random - hard))
