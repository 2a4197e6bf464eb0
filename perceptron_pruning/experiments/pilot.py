"""A pilot's forecast: the law measured on a few rows, and students on pruned pools of more of them.

Of each seed's rows the first n are the pilot. From these alone, no test row among them, every forecast says what the
error of students will be on what a rule keeps of M rows; M may be larger than n. Then pools of M rows are drawn from
all rows but the probe's, pruned, and students trained on them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.experiments.pilot_forecasts import FORECASTS, Pilot
from perceptron_pruning.experiments.plan import RULES
from perceptron_pruning.experiments.real_pool import RealPool, mean_of_draws, real_pool
from perceptron_pruning.experiments.two_class import Pair, pair_with


@dataclass(frozen=True, kw_only=True)
class PilotSettings:
    """What `pilot_errors` runs.

    Attributes:
        classes: The two labels; the second is +1.
        step: Of `two_class.OWN_LABELS`: whitened or not.
        n_features: N, leading principal components of the pair that are kept.
        pilot_rows: n.
        pool_sizes: M, rows before pruning.
        keep_fractions: f.
        ridge: λ of students.
        probe_rows: Examples, outside of pilot and pools, on which the probe is trained.
        draws: Pools of each size that a seed draws; students are averaged over them.
        n_seeds: Each draws probe, pilot and pools.
    """

    classes: tuple[int, int]
    step: str = "correlated"
    n_features: int = 64
    pilot_rows: tuple[int, ...] = (500, 1000, 2000)
    pool_sizes: tuple[int, ...] = (250, 500, 1000, 2000)
    keep_fractions: tuple[float, ...] = (0.2, 0.5, 0.8)
    ridge: float = 0.05
    probe_rows: int = 400
    draws: int = 4
    n_seeds: int = 8

    @property
    def conditions(self) -> list[tuple[int, float, str]]:
        """Pool size, fraction and rule of every student."""
        return list(product(self.pool_sizes, self.keep_fractions, RULES))


def pilot_pair(data: Embeddings, settings: PilotSettings) -> Pair:
    """The two classes, with rows enough for the probe and the largest pool or pilot.

    Raises:
        ValueError: As for `pair_of`.
    """
    largest = max(*settings.pilot_rows, *settings.pool_sizes)
    return pair_with(data, settings.classes, n_features=settings.n_features, rows_needed=settings.probe_rows + largest)


def pilot_errors(pair: Pair, settings: PilotSettings, seed: int) -> dict[str, np.ndarray]:
    """Measured errors and all forecasts of one seed.

    Returns:
        "test_error" and its "standard_error" over draws, (conditions,), and every forecast, (pilots, conditions).
    """
    rng = np.random.default_rng([seed, 1])
    pool = real_pool(pair, settings.step, probe_rows=settings.probe_rows, rng=rng)
    mean, error = mean_of_draws(lambda: _retrained(pool, settings, rng), settings.draws)
    forecasts = {
        name: np.array([_forecasts(forecast, _pilot(pool, n), settings, rng) for n in settings.pilot_rows])
        for name, forecast in FORECASTS.items()
    }
    return {"test_error": mean, "standard_error": error} | forecasts


def _retrained(pool: RealPool, settings: PilotSettings, rng: np.random.Generator) -> np.ndarray:
    """Test errors of students on what each rule keeps of pools, those of one size being the same, (conditions,)."""
    shuffled = rng.permutation(len(pool.labels))
    errors = []
    for size, fraction, rule in settings.conditions:
        rows = shuffled[:size]
        selection = RULES[rule](fraction)
        kept = selection.choose(pool.field[rows], pool.labels[rows], count=round(fraction * size), rng=rng)
        errors.append(pool.error_of(rows[kept], settings.ridge))
    return np.array(errors)


def _pilot(pool: RealPool, n: int) -> Pilot:
    return Pilot(inputs=pool.inputs[:n], labels=pool.labels[:n], probe=pool.probe)


def _forecasts(
    forecast: Callable[..., float], pilot: Pilot, settings: PilotSettings, rng: np.random.Generator
) -> list[float]:
    return [
        forecast(pilot, RULES[rule](fraction), pool_size=size, ridge=settings.ridge, rng=rng)
        for size, fraction, rule in settings.conditions
    ]
