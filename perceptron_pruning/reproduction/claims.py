"""The paper's claims, each with a verdict that is computed from the tables, never typed.

A claim says that some effect is positive. The exact theory gives the effect's value; the tables give
its estimate with a standard error, and the verdict follows from the 95 % interval.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.comparison import LARGEST_Z
from perceptron_pruning.embeddings.experiment import CurveSummary
from perceptron_pruning.figures import figure_1a, figure_1b, figure_2cde, figure_embeddings
from perceptron_pruning.reproduction.evidence import (
    CONFIRMED,
    IN_REGIME,
    REFUTED,
    UNDECIDED,
    Effect,
    best_cell,
    cells_of,
    exponent,
    log_error,
)
from perceptron_pruning.reproduction.tables import Row
from replica_theory.frontier import pareto_frontier
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

_FRONTIER_ALPHAS = (1.0, 3.0)  # where every size of reproduction has dots
_TELLING = 0.1  # relative standard error above which agreement says nothing
_NO_NUMBER = "no number: the data are neither isotropic nor separable"
_COMMON_FRACTION = 0.2  # least fraction simulated at every probe angle


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One row of the summary.

    Attributes:
        claim: The statement.
        theory: What the exact theory says.
        measured: What simulation or real data say, with their uncertainty.
        verdict: confirmed, confirmed in this regime, refuted, or undecided.
        figure: Where to look.
        predicted: The verdict that the theory gives by itself; empty where it is silent.
    """

    claim: str
    theory: str
    measured: str
    verdict: str
    figure: str
    predicted: str = ""

    @property
    def contradicts_theory(self) -> bool:
        """Whether the data decide otherwise than the theory does."""
        return bool(self.predicted) and self.verdict not in (self.predicted, UNDECIDED)


def judge(tables: Mapping[str, Sequence[Row]], simulated: Sequence[Row]) -> list[Claim]:
    """All claims, in the light of the figures' tables and of every simulated point."""
    embedded = tables.get("embeddings", ())
    return [
        theory_predicts_simulation(simulated),
        keep_easy_when_scarce(simulated),
        keep_hard_when_abundant(simulated),
        fixed_fraction_is_power_law(simulated),
        frontier_beats_power_law(simulated),
        imperfect_probe_falls_back(simulated),
        *real_images(embedded, "KeepEasiest", min, "Real images: when data are scarce, keep the easy"),
        *real_images(embedded, "KeepHardest", max, "Real images: when data abound, keep the hard"),
    ]


def theory_predicts_simulation(simulated: Sequence[Row]) -> Claim:
    """Every simulated mean within 4 of its own uncertainties."""
    z = np.array([row["z_score"] for row in simulated])
    verdict = UNDECIDED
    measured = "no cells"
    if len(z) > 1:
        precision = np.median([row["standard_error"] / row["theory"] for row in simulated])
        verdict = CONFIRMED if precision < _TELLING else UNDECIDED  # any theory agrees with noise
        verdict = verdict if np.abs(z).max() <= LARGEST_Z else REFUTED
        within = np.mean(np.abs(z) <= 2)
        measured = (
            f"{len(z)} cells, {simulated[0]['n_trials']} trials each at N = {simulated[0]['n_features']}: "
            f"z has mean {z.mean():+.2f}, standard deviation {z.std(ddof=1):.2f}, "
            f"largest |z| {np.abs(z).max():.2f}, {within:.0%} within 2"
        )
    return Claim(
        claim="Replica theory predicts the test error of students trained on pruned data",
        theory="exact as N → ∞; verified against the paper's equations to 1e-9",
        measured=measured,
        verdict=verdict,
        figure="figures 1A, 1B, 2",
    )


def keep_easy_when_scarce(simulated: Sequence[Row]) -> Claim:
    """At the smallest pool, easy beats the better of hard and random."""
    others = (figure_1b.HARD, figure_1b.RANDOM)
    return _best_rule(simulated, figure_1b.EASY, others, min, "When data are scarce, keep the easy")


def keep_hard_when_abundant(simulated: Sequence[Row]) -> Claim:
    """At the largest pool, hard beats the better of easy and random."""
    others = (figure_1b.EASY, figure_1b.RANDOM)
    return _best_rule(simulated, figure_1b.HARD, others, max, "When data abound, keep the hard")


def _best_rule(simulated, best, others, extreme, statement: str) -> Claim:
    champion = cells_of(simulated, best.selection, 0.0)
    rivals = [cells_of(simulated, other.selection, 0.0) for other in others]
    common = set(champion).intersection(*rivals)
    theory, measured, verdict = "needs cells of every rule", "no cells", UNDECIDED
    if common:
        alpha = extreme(common)
        own = champion[alpha]
        effect = min((log_error(rival[alpha]).minus(log_error(own)) for rival in rivals), key=lambda gain: gain.value)
        exact = min(math.log(rival[alpha]["theory"] / own["theory"]) for rival in rivals)
        theory = f"ln(error of the next best rule / error) = {exact:+.3f}"
        measured = f"{effect} at α_total = {own['alpha_total']:.3g}, f = {own['keep_fraction']:g}, θ = 0"
        verdict = effect.verdict()
    return Claim(claim=statement, theory=theory, measured=measured, verdict=verdict, figure="figure 1B")


def fixed_fraction_is_power_law(simulated: Sequence[Row]) -> Claim:
    """The exact exponent tends to −1, and the simulated one follows the exact one where it reaches."""
    rule = KeepHardest(0.4)
    limit = _exact_exponent(max_margin([1e3, 1e4], selection=rule).generalization_error, 10.0)
    cells = {alpha: row for alpha, row in cells_of(simulated, rule, 0.0).items() if alpha >= _FRONTIER_ALPHAS[1]}
    verdict, measured = UNDECIDED, "no cells"
    if len(cells) > 1:
        first, second = cells[min(cells)], cells[max(cells)]
        effect = exponent(first, second)
        run = second["alpha_prune"] / first["alpha_prune"]
        exact = _exact_exponent((first["theory"], second["theory"]), run)
        follows = abs(effect.value - exact) <= LARGEST_Z * effect.standard_error
        verdict = CONFIRMED if effect.standard_error < _TELLING * abs(exact) else UNDECIDED
        verdict = verdict if follows and abs(limit + 1) < 0.01 else REFUTED
        span = f"α = {first['alpha_prune']:g} to {second['alpha_prune']:g}"
        measured = f"exponent {effect} from {span}, where theory has {exact:+.3f}"
    return Claim(
        claim="At a fixed kept fraction the error is a power law of the number of examples",
        theory=f"exponent {limit:+.4f} between α = 1e3 and 1e4 at f = 0.4, θ = 0; its limit is −1",
        measured=measured,
        verdict=verdict,
        figure="figure 1A",
    )


def frontier_beats_power_law(simulated: Sequence[Row]) -> Claim:
    """With the best fraction at each α, the exponent lies below −1, random data's limit."""
    least = min(figure_1a.FRACTIONS)
    errors = pareto_frontier([*_FRONTIER_ALPHAS, 30.0, 90.0], min_keep_fraction=least).generalization_error
    inside, beyond = _exact_exponent(errors[:2], 3.0), _exact_exponent(errors[2:], 3.0)
    found = _frontier_exponent(simulated, 0.0, least)
    return Claim(
        claim="With the best fraction for each size, error falls faster than a power law",
        theory=(
            f"θ = 0, f ≥ {least:g}: exponent {inside:+.2f} from α = 1 to 3; {beyond:+.2f} from 30 to 90, "
            "where the pool's bound makes it a power law again"
        ),
        measured=f"exponent {found} along the simulated frontier, α = 1 to 3" if found else "no cells",
        verdict=Effect(-1 - found.value, found.standard_error).verdict(IN_REGIME) if found else UNDECIDED,
        figure="figure 1A",
    )


def imperfect_probe_falls_back(simulated: Sequence[Row]) -> Claim:
    """At θ = 20° the frontier is shallower than at θ = 0, and its exponent tends to −1 whatever the pool."""
    degrees = max(figure_2cde.ANGLES_DEGREES)
    errors = pareto_frontier([100.0, 1000.0], probe_angle=math.radians(degrees), min_keep_fraction=1e-3)
    limit = _exact_exponent(errors.generalization_error, 10.0)
    imperfect = _frontier_exponent(simulated, math.radians(degrees), _COMMON_FRACTION)
    perfect = _frontier_exponent(simulated, 0.0, _COMMON_FRACTION)
    verdict, measured = UNDECIDED, "no cells"
    if imperfect and perfect:
        effect = imperfect.minus(perfect)
        verdict = effect.verdict() if abs(limit + 1) < 0.05 else REFUTED
        measured = f"exponent shallower by {effect} than at θ = 0, α = 1 to 3, f ≥ {_COMMON_FRACTION:g}"
    return Claim(
        claim="With an imperfect probe the scaling falls back to a power law",
        theory=f"θ = {degrees}°, f ≥ 0.001: the frontier's exponent is {limit:+.3f} from α = 100 to 1000",
        measured=measured,
        verdict=verdict,
        figure="figure 2",
    )


def _frontier_exponent(simulated: Sequence[Row], angle: float, least: float) -> Effect | None:
    rules = [KeepHardest(f) for f in {*figure_1a.FRACTIONS, *figure_2cde.FRACTIONS} if f >= least]
    first, second = (best_cell(simulated, rules, angle, alpha) for alpha in _FRONTIER_ALPHAS)
    return exponent(first, second) if first and second else None


def _exact_exponent(errors: Sequence[float] | np.ndarray, ratio: float) -> float:
    return math.log(errors[1] / errors[0]) / math.log(ratio)


def real_images(embedded: Sequence[Row], rule: str, pools: Callable[..., int], statement: str) -> list[Claim]:
    """On real embeddings, a rule beats the better of its two rivals at an extreme pool: a claim each fraction."""
    rivals = [other for other in figure_embeddings.LABELS if other != rule]
    paired = [
        mean for rival in rivals for mean in figure_embeddings.means(embedded, baseline=rival) if mean.selection == rule
    ]
    fractions = sorted({mean.keep_fraction for mean in paired})
    return [_on_pool(paired, fraction, pools, statement) for fraction in fractions] or [
        Claim(claim=statement, theory=_NO_NUMBER, measured="no points", verdict=UNDECIDED, figure="figure embeddings")
    ]


def _on_pool(paired: list[CurveSummary], fraction: float, pools: Callable[..., int], statement: str) -> Claim:
    same = [mean for mean in paired if mean.keep_fraction == fraction]
    pool = pools(mean.pool_size for mean in same)
    gains = [Effect(-100 * m.difference, 100 * m.difference_se, m.n_seeds - 1) for m in same if m.pool_size == pool]
    gain = min(gains, key=lambda effect: effect.value)
    seeds = min(mean.n_seeds for mean in same if mean.pool_size == pool)
    return Claim(
        claim=f"{statement} (f = {fraction:g})",
        theory=_NO_NUMBER,
        measured=f"error below the next best rule's by {gain} percentage points; {pool} images, {seeds} seeds",
        verdict=gain.verdict(IN_REGIME),
        figure="figure embeddings",
    )
