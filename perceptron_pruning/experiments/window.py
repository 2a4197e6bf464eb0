"""Which margins are worth keeping: students on windows of the ranking, and on rows of one bin kept always or never.

The rows that a seed's probe has not seen are ranked by signed margin y z. A window keeps a fraction f between two
quantiles: the hardest at one end of its travel, the easiest at the other. Beside every measured error stands that of
the whole empirical law (`replica_theory.risk_on_data`), on test rows and, to choose a window by, on rows left out.
"""

from dataclasses import dataclass

import numpy as np

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.experiments.real_pool import RealPool, mean_of_draws, real_pool
from perceptron_pruning.experiments.two_class import Pair, pair_with
from perceptron_pruning.experiments.two_class_theories import LOSS
from replica_theory.real_data.risk_on_data import DataRiskSolution, risk_on_data
from replica_theory.selection import KeepBetween, KeepRandom, Selection

_EVEN_CHANCE = 0.5  # to keep any row, at which the influence is taken


@dataclass(frozen=True, kw_only=True)
class WindowSettings:
    """What `window_errors` and `bin_changes` run.

    Attributes:
        classes: The two labels; the second is +1.
        step: Of `two_class.OWN_LABELS`: whitened or not.
        n_features: N, leading principal components of the pair that are kept.
        alpha_prune: α, kept examples per feature.
        keep_fraction: f.
        skipped: Shares of the pool, ascending from 0 to 1 − f, that are dropped for being harder than the window.
        ridge: λ of students.
        probe_rows: Examples, outside of the pool, on which the probe is trained.
        draws: Pools that a seed draws; students are averaged over them.
        n_bins: Equal shares of the ranking.
        bin_alpha: α of the students whose bins are changed.
        bin_draws: Training sets that a seed draws for each bin.
        n_seeds: Each draws probe and pools.
    """

    classes: tuple[int, int]
    step: str = "correlated"
    n_features: int = 64
    alpha_prune: tuple[float, ...] = (1.0, 4.0, 12.0)
    keep_fraction: float = 0.4
    skipped: tuple[float, ...] = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6)
    ridge: float = 0.05
    probe_rows: int = 400
    draws: int = 8
    n_bins: int = 10
    bin_alpha: tuple[float, ...] = (1.0, 12.0)
    bin_draws: int = 40
    n_seeds: int = 8

    @property
    def selections(self) -> list[Selection]:
        """Random keeping, and the window at every place."""
        f = self.keep_fraction
        return [KeepRandom(f), *(KeepBetween(s, min(s + f, 1.0), label_aware=True) for s in self.skipped)]


def window_pair(data: Embeddings, settings: WindowSettings) -> Pair:
    """The two classes, with rows enough for the probe and the largest pool.

    Raises:
        ValueError: As for `pair_of`.
    """
    largest = _pool_size(max(settings.alpha_prune), settings)
    return pair_with(data, settings.classes, n_features=settings.n_features, rows_needed=settings.probe_rows + largest)


def _pool_size(alpha: float, settings: WindowSettings) -> int:
    return round(round(alpha * settings.n_features) / settings.keep_fraction)


def seeds_pool(pair: Pair, settings: WindowSettings, seed: int) -> tuple[RealPool, np.random.Generator]:
    """A seed's rows with its probe, and the chance that draws from them."""
    rng = np.random.default_rng([seed, 2])
    return real_pool(pair, settings.step, probe_rows=settings.probe_rows, rng=rng), rng


def window_errors(pool: RealPool, settings: WindowSettings, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Measured and predicted errors at random and at every place of the window.

    Returns:
        "test_error", "predicted" on the test rows and "left_out" on the pool's, (sizes, selections).
    """
    sizes = settings.alpha_prune
    solutions = [[_law(pool, rule, alpha, settings, rng) for rule in settings.selections] for alpha in sizes]
    return {
        "test_error": mean_of_draws(lambda: _windows(pool, settings, rng), settings.draws)[0],
        "predicted": np.array([[_test_error(solution, pool) for solution in row] for row in solutions]),
        "left_out": np.array([[solution.left_out_error for solution in row] for row in solutions]),
    }


def _windows(pool: RealPool, settings: WindowSettings, rng: np.random.Generator) -> np.ndarray:
    """Test errors of students on what each rule keeps of one pool of each size, (sizes, selections)."""
    shuffled = rng.permutation(len(pool.labels))

    def error(alpha: float, rule: Selection) -> float:
        rows = shuffled[: _pool_size(alpha, settings)]
        count = round(alpha * settings.n_features)
        kept = rule.choose(pool.field[rows], pool.labels[rows], count=count, rng=rng)
        return pool.error_of(rows[kept], settings.ridge)

    return np.array([[error(alpha, rule) for rule in settings.selections] for alpha in settings.alpha_prune])


def _law(
    pool: RealPool, rule: Selection, alpha: float, settings: WindowSettings, rng: np.random.Generator
) -> DataRiskSolution:
    """Students on pools of the seed's rows."""
    n = len(pool.labels)
    keeps = np.zeros(n)
    allowed = n if isinstance(rule, KeepRandom) else round(settings.keep_fraction * n)
    keeps[rule.choose(pool.field, pool.labels, count=allowed, rng=rng)] = 1.0
    return _solution(pool, keeps, alpha, settings)


def _solution(pool: RealPool, keeps: np.ndarray, alpha: float, settings: WindowSettings) -> DataRiskSolution:
    return risk_on_data(
        pool.inputs,
        pool.labels,
        keep_probability=keeps,
        n_kept=round(alpha * settings.n_features),
        loss=LOSS,
        ridge=settings.ridge,
    )


def _test_error(solution: DataRiskSolution, pool: RealPool) -> float:
    return solution.error_on(pool.test_inputs, pool.test_labels)


def bin_changes(pool: RealPool, settings: WindowSettings, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Change of ln ε when a bin's rows are kept with chance 1 instead of 0, all others with 1/2, at fixed P.

    Returns:
        "change", measured, "told", what theory says of it on the same test rows, and "influence", the sum of the rows'
        derivatives at 1/2, which no test row enters, (bin sizes, bins).

    Raises:
        ValueError: An error is 0.
    """
    rank = np.argsort(np.argsort(pool.labels * pool.field, kind="stable"))
    bins = rank * settings.n_bins // len(rank)
    pairs = [(alpha, bins == number) for alpha in settings.bin_alpha for number in range(settings.n_bins)]
    shape = (len(settings.bin_alpha), settings.n_bins)

    def always_and_never() -> np.ndarray:
        return np.array([[_error(pool, rows, q, alpha, settings, rng) for q in (1.0, 0.0)] for alpha, rows in pairs])

    def theirs(alpha: float, rows: np.ndarray, chance: float) -> float:
        solution = _solution(pool, np.where(rows, chance, _EVEN_CHANCE), alpha, settings)
        return _test_error(solution, pool)

    always, never = mean_of_draws(always_and_never, settings.bin_draws)[0].T
    told = [(theirs(alpha, rows, 1.0), theirs(alpha, rows, 0.0)) for alpha, rows in pairs]
    if not (always.all() and never.all() and np.all(told)):
        raise ValueError("errors must be > 0, whose logarithms change; got 0 (take a smaller `bin_alpha`)")
    even = np.full(len(rank), _EVEN_CHANCE)
    slopes = [_solution(pool, even, alpha, settings).influence for alpha in settings.bin_alpha]
    return {
        "change": np.log(always / never).reshape(shape),
        "told": np.array([np.log(more / none) for more, none in told]).reshape(shape),
        "influence": np.array([np.bincount(bins, weights=row, minlength=settings.n_bins) for row in slopes]),
    }


def _error(
    pool: RealPool, chosen: np.ndarray, chance: float, alpha: float, settings: WindowSettings, rng: np.random.Generator
) -> float:
    """Test error of a student on P rows, those chosen being drawn with a chance of their own, the others with 1/2."""
    count = round(alpha * settings.n_features)
    inside, outside = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    weight = chance * len(inside)
    n_inside = round(count * weight / (weight + _EVEN_CHANCE * len(outside)))
    rows = [rng.choice(inside, n_inside, replace=False), rng.choice(outside, count - n_inside, replace=False)]
    return pool.error_of(np.concatenate(rows), settings.ridge)
