"""The same questions on real embeddings."""

from collections.abc import Callable, Sequence

from perceptron_pruning.embeddings.experiment import CurveSummary
from perceptron_pruning.evidence.claim import NO_NUMBER, Claim
from perceptron_pruning.evidence.effect import IN_REGIME, UNDECIDED, Effect
from perceptron_pruning.figures.theory import figure_embeddings
from perceptron_pruning.output.tables import Row


def keep_easy_of_few_images(embedded: Sequence[Row]) -> list[Claim]:
    """A claim for each fraction, at the smallest pool."""
    return _images(embedded, "KeepEasiest", min, "Real images: when data are scarce, keep the easy")


def keep_hard_of_many_images(embedded: Sequence[Row]) -> list[Claim]:
    """A claim for each fraction, at the largest pool."""
    return _images(embedded, "KeepHardest", max, "Real images: when data abound, keep the hard")


def _images(embedded: Sequence[Row], rule: str, pools: Callable[..., int], statement: str) -> list[Claim]:
    """On real embeddings, a rule beats the better of its two rivals at an extreme pool: a claim each fraction."""
    rivals = [other for other in figure_embeddings.LABELS if other != rule]
    paired = [
        mean for rival in rivals for mean in figure_embeddings.means(embedded, baseline=rival) if mean.selection == rule
    ]
    fractions = sorted({mean.keep_fraction for mean in paired})
    return [_on_pool(paired, fraction, pools, statement) for fraction in fractions] or [
        Claim(claim=statement, theory=NO_NUMBER, measured="no points", verdict=UNDECIDED, figure="embeddings")
    ]


def _on_pool(paired: list[CurveSummary], fraction: float, pools: Callable[..., int], statement: str) -> Claim:
    same = [mean for mean in paired if mean.keep_fraction == fraction]
    pool = pools(mean.pool_size for mean in same)
    gains = [Effect(-100 * m.difference, 100 * m.difference_se, m.n_seeds - 1) for m in same if m.pool_size == pool]
    gain = min(gains, key=lambda effect: effect.value)
    seeds = min(mean.n_seeds for mean in same if mean.pool_size == pool)
    return Claim(
        claim=f"{statement} (f = {fraction:g})",
        theory=NO_NUMBER,
        measured=f"error below the next best rule's by {gain} percentage points; {pool} images, {seeds} seeds",
        verdict=gain.verdict(IN_REGIME),
        figure="embeddings",
    )
