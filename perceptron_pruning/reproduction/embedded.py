"""The experiment on real embeddings as a study that survives: a cell is a pool size, a trial is a seed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import xarray as xr

from perceptron_pruning.embeddings.experiment import CurveSettings, pruning_curves, selection_name
from perceptron_pruning.embeddings.fashion_mnist import Embeddings, load_fashion_mnist
from perceptron_pruning.reproduction.tables import Row
from perceptron_pruning.sweeps import Output, Study


@dataclass(frozen=True, kw_only=True)
class EmbeddedPools:
    """Retrains a head for every rule on one pool of each seed."""

    settings: CurveSettings

    def __call__(self, pool_size: int, trials: range) -> dict[str, np.ndarray]:
        seeds = [self.settings.seeds[trial] for trial in trials]
        points = list(pruning_curves(_images(), replace(self.settings, pool_sizes=(pool_size,), seeds=seeds)))
        shape = (len(seeds), len(self.settings.selections))
        return {
            "test_error": np.array([point.test_error for point in points]).reshape(shape),
            "kept": np.array([point.kept for point in points]).reshape(shape),
        }


@cache
def _images() -> Embeddings:
    return load_fashion_mnist()


def study(settings: CurveSettings) -> Study:
    """The experiment, as `run_study` takes it."""
    rules = {"rule": len(settings.selections)}
    return Study(
        function=EmbeddedPools(settings=settings),
        cells=[int(size) for size in settings.pool_sizes],
        outputs={
            "test_error": Output(long_name="share of the test images that a head gets wrong", dimensions=rules),
            "kept": Output(long_name="images that it was trained on", dtype="int64", dimensions=rules),
        },
        coordinates={"pool_size": list(settings.pool_sizes)},
        n_trials=len(settings.seeds),
        trial="draw",
        seconds=[_pool_seconds(size, settings) for size in settings.pool_sizes],
    )


def rows(settings: CurveSettings, dataset: xr.Dataset) -> list[Row]:
    """The finished points, one row a retrained head."""
    return list(_rows(settings, dataset))


def _rows(settings: CurveSettings, dataset: xr.Dataset) -> Iterator[Row]:
    for i, j in zip(*np.nonzero(dataset.done.values), strict=True):
        for k, selection in enumerate(settings.selections):
            yield {
                "metric": settings.metric,
                "pool_size": int(settings.pool_sizes[i]),
                "kept": int(dataset.kept.values[i, j, k]),
                "selection": selection_name(selection),
                "keep_fraction": selection.keep_fraction,
                "seed": int(settings.seeds[j]),
                "test_error": float(dataset.test_error.values[i, j, k]),
            }


def _pool_seconds(pool_size: int, settings: CurveSettings) -> float:
    """Estimate for one seed: a head's time grows with what it is trained on."""
    return len(settings.selections) * (0.015 + 1.1e-4 * pool_size)
