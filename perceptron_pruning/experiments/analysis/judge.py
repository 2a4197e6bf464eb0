"""The paper's predictions held against a table of retrained students.

Intervals are Student's, 95 %, over seeds: over draws of the pool from the same training rows. Large pools overlap, so
that they say less and less about other data.
"""

from collections.abc import Iterator

import xarray as xr

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.end_to_end import agrees_with_embeddings, sees_images
from perceptron_pruning.experiments.analysis.metric_claims import LABEL_FREE, best_metric_helps, label_free_suffices
from perceptron_pruning.experiments.analysis.scaling_claims import (
    LEAST_SIZES,
    envelope_claims,
    fixed_fraction_is_power_law,
)
from perceptron_pruning.experiments.analysis.size_claims import class_floor_helps, size_decides


def judge(table: xr.Dataset) -> list[Claim]:
    """Every claim that the table's axes allow, for every student, metric and fraction of it."""
    errors = table.test_error
    claims: list[Claim] = []
    for student in errors.student.values:
        own = errors.sel(student=student)
        for metric in own.metric.values:
            claims += _on_metric(own.sel(metric=metric), f"{student}, {metric}")
        claims += _on_all_metrics(own.isel(class_floor=0), str(student))
    return [*claims, *_end_to_end(errors)]


def _pruned(errors: xr.DataArray) -> list[float]:
    return [float(fraction) for fraction in errors.keep_fraction.values if fraction < 1]


def _on_metric(errors: xr.DataArray, setting: str) -> Iterator[Claim]:
    """One student and metric: pool size, scaling and class floor."""
    main = errors.isel(class_floor=0)
    for fraction in _pruned(errors):
        at, where = main.sel(keep_fraction=fraction), f"{setting}, f = {fraction:g}"
        yield size_decides(at, where)
        if main.pool_size.size >= LEAST_SIZES and bool((at.sel(rule="hard") > 0).all()):  # they have logarithms
            yield fixed_fraction_is_power_law(at, where)
        if errors.class_floor.size > 1:
            yield class_floor_helps(errors.sel(keep_fraction=fraction), where)
    if main.pool_size.size >= LEAST_SIZES and 1.0 in main.keep_fraction.values:
        yield from envelope_claims(main, setting)


def _on_all_metrics(errors: xr.DataArray, student: str) -> Iterator[Claim]:
    """One student: the best metric, and the one without labels."""
    if LABEL_FREE not in errors.metric.values or errors.metric.size < 2:
        return
    for fraction in _pruned(errors):
        at, where = errors.sel(keep_fraction=fraction), f"{student}, f = {fraction:g}"
        yield best_metric_helps(at, where)
        yield label_free_suffices(at, where)


def _end_to_end(errors: xr.DataArray) -> Iterator[Claim]:
    """Every network on pixels beside every student of embeddings."""
    networks = [name for name in errors.student.values if sees_images(name)]
    heads = [name for name in errors.student.values if not sees_images(name)]
    for network in networks:
        for head in heads:
            for metric in errors.metric.values:
                pair = errors.sel(metric=metric, keep_fraction=_pruned(errors)).isel(class_floor=0)
                yield agrees_with_embeddings(pair, network, head, f"{network} and {head}, {metric}")
