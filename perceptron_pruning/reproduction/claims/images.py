"""The same questions on real embeddings."""

from collections.abc import Callable, Iterable, Sequence

from perceptron_pruning.embeddings.experiment import CurveSummary
from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.figures.theory import figure_embeddings
from perceptron_pruning.output.tables import Row


def keep_easy_of_few_images(embedded: Sequence[Row]) -> list[Claim]:
    """A claim for each fraction, at the smallest pool."""
    return _images(embedded, "KeepEasiest", min, "Real images: when data are scarce, keep the easy")


def keep_hard_of_many_images(embedded: Sequence[Row]) -> list[Claim]:
    """A claim for each fraction, at the largest pool."""
    return _images(embedded, "KeepHardest", max, "Real images: when data abound, keep the hard")


def _images(embedded: Sequence[Row], rule: str, extreme: Callable[[Iterable[int]], int], statement: str) -> list[Claim]:
    """On real embeddings, a rule beats the better of its two rivals at an extreme pool: a claim each fraction."""
    rivals = [other for other in figure_embeddings.LABELS if other != rule]
    paired = [
        mean for rival in rivals for mean in figure_embeddings.means(embedded, baseline=rival) if mean.selection == rule
    ]
    fractions = sorted({mean.keep_fraction for mean in paired})
    return [_on_pool(paired, fraction, extreme, statement) for fraction in fractions] or [
        Claim(statement=statement, figure="embeddings", limited=True)
    ]


def _on_pool(
    paired: list[CurveSummary], fraction: float, extreme: Callable[[Iterable[int]], int], statement: str
) -> Claim:
    same = [mean for mean in paired if mean.keep_fraction == fraction]
    pool = extreme(mean.pool_size for mean in same)
    gains = [
        Effect(value=-100 * m.difference, standard_error=100 * m.difference_se, degrees_of_freedom=m.n_seeds - 1)
        for m in same
        if m.pool_size == pool
    ]
    return Claim(
        statement=statement,
        setting=f"f = {fraction:g}, {pool} images, {min(m.n_seeds for m in same if m.pool_size == pool)} seeds",
        measurements=(
            Measurement(
                quantity="error of the next best rule less its own, percentage points",
                effect=min(gains, key=lambda gain: gain.value),
                criterion="helps",
            ),
        ),
        limited=True,
        figure="embeddings",
    )
