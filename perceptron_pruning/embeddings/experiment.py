"""Pruning curves on real embeddings: is it better to keep the hard examples or the easy ones?

The theory's answer depends on how many examples there are. Here pools of several sizes are
drawn, scored, pruned by each rule, and a linear head is retrained on what is kept: one recipe
for all rules, in which only the rule changes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.embeddings.keep import keep
from perceptron_pruning.embeddings.metrics.softmax_head import fit_softmax
from perceptron_pruning.embeddings.score import score
from replica_theory.selection import Calibrated, KeepBetween, KeepEasiest, KeepHardest, KeepRandom, Selection


def contrast(*keep_fractions: float) -> tuple[Selection, ...]:
    """Random, hard and easy keeping at each fraction."""
    return tuple(rule(f) for f in keep_fractions for rule in (KeepRandom, KeepHardest, KeepEasiest))


@dataclass(frozen=True, kw_only=True)
class CurveSettings:
    """What `pruning_curves` runs: every pool size × seed × selection is one retrained head.

    Attributes:
        metric: A metric of `score`.
        pool_sizes: Examples before pruning.
        selections: Rules to compare; include `KeepRandom` at each fraction for a baseline.
        seeds: One pool is drawn for each, the same for all rules.
        ridge: Of the retrained head, in units of its loss, on standardised embeddings.
        class_floor: Share of its proportional quota that a class is sure of, for every rule.
    """

    metric: str = "margin"
    pool_sizes: Sequence[int]
    selections: Sequence[Selection]
    seeds: Sequence[int]
    ridge: float = 1e-2
    class_floor: float = 0.5

    @property
    def n_points(self) -> int:
        """Number of points that `pruning_curves` yields."""
        return len(self.pool_sizes) * len(self.seeds) * len(self.selections)


QUICK = CurveSettings(pool_sizes=(100, 400, 1600, 3200), selections=contrast(0.2, 0.4, 0.5), seeds=range(8))
FULL = CurveSettings(
    pool_sizes=(100, 200, 400, 800, 1600, 3200, 6400), selections=contrast(0.2, 0.4, 0.5), seeds=range(24)
)


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One retrained head.

    Attributes:
        metric: What ranked the pool.
        pool_size: Examples before pruning.
        kept: Examples it was trained on.
        selection: Name of the rule.
        keep_fraction: f of the rule.
        seed: Of the pool, and of the chance in metric and rule.
        test_error: Share of the test rows it gets wrong.
    """

    metric: str
    pool_size: int
    kept: int
    selection: str
    keep_fraction: float
    seed: int
    test_error: float


def pruning_curves(data: Embeddings, settings: CurveSettings = QUICK) -> Iterator[CurvePoint]:
    """Test error of a head retrained on pruned pools, one point at a time.

    For every pool size and seed a pool is drawn at random from the training rows, without replacement;
    mean and scale of the embeddings are those of the pool. The pool is scored once (a probe is
    trained on the pool itself). For every rule a head is trained from zero to convergence on the kept
    rows, and tested on all test rows.

    Points come as they are finished, the smallest pools first: a caller may show progress
    (`settings.n_points` in all), write each at once, and stop at any.

    Raises:
        ValueError: A setting is out of range, or a class has no example among those kept.
        HeadFitError: A head did not converge.
    """
    for pool_size in settings.pool_sizes:
        if not 1 <= pool_size <= len(data.train_labels):
            raise ValueError(f"`pool_sizes` must be in [1, {len(data.train_labels)}]; got {pool_size}")
    for pool_size in sorted(settings.pool_sizes):
        for seed in settings.seeds:
            yield from _pool_points(data, settings, pool_size, seed)


def _pool_points(data: Embeddings, settings: CurveSettings, pool_size: int, seed: int) -> Iterator[CurvePoint]:
    """Every rule on one pool."""
    pool = drawn_rows(len(data.train_labels), pool_size, seed)
    labels = data.train_labels[pool]
    inputs = standardise(data.train_embeddings[pool], data.train_embeddings[pool])
    test_inputs = standardise(data.test_embeddings, data.train_embeddings[pool])
    scores = score(inputs, labels, metrics=settings.metric, seed=seed)[settings.metric]
    n_classes = int(data.train_labels.max()) + 1
    for selection in settings.selections:
        kept = keep(scores, selection=selection, labels=labels, class_floor=settings.class_floor, seed=seed)
        head = fit_softmax(inputs[kept], labels[kept], n_classes=n_classes, ridge=settings.ridge)
        yield CurvePoint(
            metric=settings.metric,
            pool_size=pool_size,
            kept=kept.size,
            selection=selection_name(selection),
            keep_fraction=selection.keep_fraction,
            seed=seed,
            test_error=head.error(test_inputs, data.test_labels),
        )


def drawn_rows(n_rows: int, pool_size: int, seed: int) -> np.ndarray:
    """The rows of a pool, (pool_size,), without replacement: the same for every rule, metric and student."""
    return np.random.default_rng([seed, pool_size]).choice(n_rows, pool_size, replace=False)


def standardise(embeddings: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Embeddings less the mean of the reference rows, over its one global scale.

    One scale for all coordinates (the root mean square of the centred reference) keeps the
    geometry that the network gave them.
    """
    mean = reference.mean(axis=0)
    scale = np.sqrt(np.mean((reference - mean) ** 2))
    if not scale > 0:
        raise ValueError("`embeddings` must not be equal in all rows; got zero variance")
    return (embeddings - mean) / scale


def selection_name(selection: Selection) -> str:
    """The rule without its keep fraction: the name of its curve."""
    if isinstance(selection, Calibrated):
        return f"Calibrated({selection_name(selection.selection)}, {selection.random_share:g})"
    if isinstance(selection, KeepBetween):
        return f"KeepBetween({selection.lower:g}, {selection.upper:g})"
    return type(selection).__name__


@dataclass(frozen=True, kw_only=True)
class CurveSummary:
    """Mean over seeds of one rule at one pool size and kept number, and its paired difference.

    Attributes:
        metric, pool_size, kept, selection, keep_fraction: As in `CurvePoint`.
        n_seeds: Seeds at which both the rule and the baseline are there, at least 2.
        test_error, test_error_se: Mean and its standard error.
        difference, difference_se: Rule minus baseline on the same pool: mean and standard error.
    """

    metric: str
    pool_size: int
    kept: int
    selection: str
    keep_fraction: float
    n_seeds: int
    test_error: float
    test_error_se: float
    difference: float
    difference_se: float


def summarise(points: Iterable[CurvePoint], *, baseline: str = "KeepRandom") -> list[CurveSummary]:
    """Means over seeds, and differences to the baseline that kept as many of the same pool.

    The standard errors are those over draws of the pool from these training rows; large pools overlap, so
    that they say less and less about other data. A group with fewer than two finished seeds
    is left out: a run that was stopped can be summarised.

    Args:
        points: Of one or several runs.
        baseline: Name of the rule to subtract.

    Raises:
        ValueError: No point has the baseline.
    """
    points = list(points)
    reference = {_pool_of(p): p.test_error for p in points if p.selection == baseline}
    if not reference:
        raise ValueError(f"`points` must include the baseline {baseline}; got {sorted({p.selection for p in points})}")
    groups: dict[tuple, list[CurvePoint]] = {}
    for point in points:
        if _pool_of(point) in reference:
            groups.setdefault((point.metric, point.pool_size, point.kept, point.selection), []).append(point)
    return [_summary(group, reference) for group in groups.values() if len(group) > 1]


def _pool_of(point: CurvePoint) -> tuple:
    return point.metric, point.pool_size, point.kept, point.seed


def _summary(group: list[CurvePoint], reference: dict[tuple, float]) -> CurveSummary:
    errors = np.array([point.test_error for point in group])
    differences = errors - [reference[_pool_of(point)] for point in group]
    return CurveSummary(
        metric=group[0].metric,
        pool_size=group[0].pool_size,
        kept=group[0].kept,
        selection=group[0].selection,
        keep_fraction=group[0].keep_fraction,
        n_seeds=len(group),
        test_error=float(errors.mean()),
        test_error_se=_standard_error(errors),
        difference=float(differences.mean()),
        difference_se=_standard_error(differences),
    )


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size))
