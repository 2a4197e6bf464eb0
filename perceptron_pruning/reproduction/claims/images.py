"""The same questions on real embeddings."""

from collections.abc import Callable, Iterable, Sequence

import xarray as xr

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import effect
from perceptron_pruning.figures.real_data.sources import NAMES
from perceptron_pruning.figures.theory import figure_embeddings
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims import paper

Extreme = Callable[[Iterable[int]], int]


def keep_easy_of_few_images(table: Sequence[Row]) -> list[Claim]:
    """A claim for each fraction, at the smallest pool."""
    return _images(table, "easy", min, "Real images: when data are scarce, keep the easy")


def keep_hard_of_many_images(table: Sequence[Row]) -> list[Claim]:
    """A claim for each fraction, at the largest pool."""
    return _images(table, "hard", max, "Real images: when data abound, keep the hard")


def _images(table: Sequence[Row], rule: str, extreme: Extreme, statement: str) -> list[Claim]:
    """On real embeddings, a rule beats the better of its two rivals at an extreme pool: a claim each fraction."""
    if not table:
        return [Claim(statement=statement, limited=True, figure=figure_embeddings.NAME)]
    errors = figure_embeddings.errors(table)
    pool = extreme(errors.pool_size.values.tolist())
    return [
        Claim(
            statement=statement,
            paper=paper.IMAGES,
            setting=f"f = {fraction:g}, {pool} images, {errors.sizes['seed']} seeds",
            measurements=(_least_gain(errors.sel(pool_size=pool, keep_fraction=fraction), rule),),
            limited=True,
            figure=figure_embeddings.NAME,
            tested_on=NAMES[figure_embeddings.SOURCE],
        )
        for fraction in sorted(errors.keep_fraction.values.tolist())
    ]


def _least_gain(errors: xr.DataArray, rule: str) -> Measurement:
    """What a rule gains over the best of its rivals, paired by seed, in percentage points."""
    rivals = [str(rival) for rival in errors.rule.values if rival != rule]
    gains = [effect(100 * (errors.sel(rule=rival) - errors.sel(rule=rule)).values) for rival in rivals]
    return Measurement(
        quantity="error of the next best rule − its own, percentage points",
        effect=min(gains, key=lambda gain: gain.value),
        criterion="helps",
    )
