"""Query by committee, Cui et al. 2021: how far the best margin rule is from the best subset of all."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import THEORY, Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, exact
from perceptron_pruning.figures.field.points import against, gain, origin, rows_of, simulated
from perceptron_pruning.figures.field.queries import simulated as simulated_queries
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.theory.curves import ALPHA_PRUNE, RULES, TEST_ERROR, column, draw_dots
from perceptron_pruning.output.layout import legend_beside, new_panels
from perceptron_pruning.output.palette import BEST, OWN
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.simulation import simulate
from replica_theory.choices.optimal_selection import optimal_selection
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection
from replica_theory.version_spaces.queries import bisecting_queries

NAME = "best_subset"
TITLE = "How far the best margin rule is from the best subset (query by committee, Cui et al. 2021)"
CAPTION = (
    "A: test error of max-margin students that keep some of 12 examples per dimension by a perfect probe's margin: at "
    "random, hardest, easiest, or by the best rule of all; of the centre of the version space after queries, of an "
    "endless pool, that halve it each, the limit of query by committee with a large committee; and two bounds: of "
    "examples that are chosen by what is known so far, whose labels tell one bit each (black), and of any subset of "
    "the 12, chosen by who knows the teacher (dashed). B: the same in bits about the teacher per kept example, −log2 "
    "sin(πε)/α. Lines: theory; dots: simulation, N = {n_features}, {n_trials} trials (queries: N = 64; expectation "
    "propagation), bars of 95 %."
)
WHAT_TO_SEE = (
    "A: queries (violet) stay at 1.7 times the bound of one bit: no choice without the teacher's help is much better. "
    "The best margin rule (green) is below that bound at first, for which examples it keeps says more than their "
    "labels do; from α = 3 on all 12 would tell no more. B: it tells a sixth to two fifths of what any subset could, "
    "at most."
)
SECONDS = 90.0
POOL = 12.0
ALPHAS = np.round(np.geomspace(0.3, 11.0, 25), 5).tolist()
DOTS = (1.2, 2.4, 4.8)
QUERIES = (1.0, 2.0, 4.0)
QUERY_FEATURES = 64
POLICIES = ("random", "hard", "easy", "best")
_COMMITTEE = (
    'Seung, Opper & Sompolinsky 1992, abstract (the full text was not at hand): "This leads to generalization error '
    'that decreases exponentially with the number of examples"'
)
_CUI = (
    'Cui, Saglietti & Zdeborová 2021, arXiv:1912.03927, abstract (the full text was not at hand): "We show that the '
    'optimal learning performance can be efficiently approached by simple message-passing active learning algorithms"'
)


@cache
def selection_of(policy: str, alpha: float) -> Selection:
    """The rule that keeps so many of the pool."""
    fraction = alpha / POOL
    if policy == "best":
        return optimal_selection(POOL, keep_fraction=fraction).selection
    return {"random": KeepRandom, "hard": KeepHardest, "easy": KeepEasiest}[policy](fraction)


def theory_of(row: Row) -> float:
    """Test error of a row's student, or the bound."""
    alpha = row["alpha_prune"]
    if row["policy"] in POLICIES:
        return max_margin(alpha, selection=selection_of(row["policy"], alpha)).generalization_error
    if row["policy"] == "queries":
        return float(bisecting_queries(alpha).generalization_error)
    return math.asin(2 ** -(alpha * (1 if row["policy"] == "one bit" else subset_bits(alpha)))) / math.pi


def subset_bits(alpha: float) -> float:
    """Bits per kept example of the labels and of which are kept: P labels and C(P_tot, P) subsets, 1 + h(f)/f."""
    f = alpha / POOL
    return 1 - (f * math.log2(f) + (1 - f) * math.log2(1 - f)) / f


def _place(kind: str, policy: str, alpha: float) -> Row:
    return {"kind": kind, "policy": policy, "alpha_prune": alpha, "keep_fraction": alpha / POOL}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points."""
    lines = [_place("theory", policy, alpha) for policy in (*POLICIES, "queries") for alpha in ALPHAS]
    lines += [_place("bound", policy, alpha) for policy in ("one bit", "any subset") for alpha in ALPHAS]
    dots = [_simulated(_place("simulation", policy, alpha), settings) for policy in POLICIES for alpha in DOTS]
    theory = {alpha: theory_of(_place("", "queries", alpha)) for alpha in QUERIES}
    place = {"policy": "queries", "keep_fraction": None}
    queries = simulated_queries(place, theory, QUERY_FEATURES, settings.n_trials, settings.seed)
    return [line | {"theory": theory_of(line)} for line in lines] + dots + queries


def _simulated(place: Row, settings: Settings) -> Row:
    pools = simulate(
        place["alpha_prune"],
        selection=selection_of(place["policy"], place["alpha_prune"]),
        n_features=settings.n_features,
        n_trials=settings.n_trials,
        seed=settings.seed + POLICIES.index(place["policy"]),
    )
    return simulated(place, pools)


def claims(table: Sequence[Row]) -> list[Claim]:
    """How fast queries learn, how near they are to the bound, and where the best margin rule stands."""
    return [_exponential(table), _near(table), _below(table), _beyond(table)]


def _dot(table: Sequence[Row], policy: str, alpha: float) -> Row:
    (row,) = rows_of(table, "simulation", policy=policy, alpha_prune=alpha)
    return row


def _exponential(table: Sequence[Row]) -> Claim:
    first, last = (_dot(table, "queries", alpha) for alpha in QUERIES[1:])
    span = QUERIES[2] - QUERIES[1]
    relative = math.hypot(*(row["standard_error"] / row["simulation"] for row in (first, last)))
    halvings = math.log2(first["simulation"] / last["simulation"]) / span
    theory = math.log2(first["theory"] / last["theory"]) / span
    return Claim(
        statement="The error of queries by a large committee halves with every example per dimension",
        paper=_COMMITTEE,
        setting=f"α = {QUERIES[1]:g} to {QUERIES[2]:g}; {origin(last)}",
        theory=f"halvings per unit of α: {theory:.3f}, and 1 for large α",
        measurements=(
            Measurement(
                quantity="halvings of the error per unit of α, less 1",
                effect=Effect(value=halvings - 1, standard_error=relative / math.log(2) / span),
                criterion="within",
                reference=0.2,
                theory=theory - 1,
            ),
        ),
        limited=True,
        figure=NAME,
    )


def _near(table: Sequence[Row]) -> Claim:
    last = _dot(table, "queries", QUERIES[2])
    bound = theory_of(_place("", "one bit", QUERIES[2]))
    return Claim(
        statement="Queries come within a factor of two of the best that labels can tell",
        paper=_CUI,
        setting=f"α = {QUERIES[2]:g}; {origin(last)}",
        theory=f"ε = {last['theory']:.4f}, and a bound of {bound:.4f}; for large α 1.69 times the bound",
        measurements=(
            against("error, twice the bound", last, 2 * bound, "below"),
            against("error, the bound", last, bound, "above"),
        ),
        limited=True,
        figure=NAME,
    )


def _below(table: Sequence[Row]) -> Claim:
    best, hard = (_dot(table, policy, DOTS[0]) for policy in ("best", "hard"))
    bound = theory_of(_place("", "one bit", DOTS[0]))
    return Claim(
        statement="A rule that knows the teacher's margins gets below the bound of one bit a label",
        setting=f"the best of {POOL:g} per dimension, α = {DOTS[0]:g}, max-margin; {origin(best)}",
        theory=f"ε = {best['theory']:.4f}, hardest {hard['theory']:.4f}; bound {bound:.4f}",
        measurements=(against("error, the bound", best, bound, "below"), gain("error less the hardest's", best, hard)),
        limited=True,
        figure=NAME,
    )


def _beyond(table: Sequence[Row]) -> Claim:
    rows = [row for row in rows_of(table, "theory", policy="best") if row["alpha_prune"] <= POOL / 2]
    shares = [bits(row) / subset_bits(row["alpha_prune"]) for row in rows]
    return Claim(
        statement="The best margin rule tells at most half of the bits that a subset of the pool could",
        setting=f"{len(rows)} sizes up to half of {POOL:g} examples per dimension, perfect probe, max-margin",
        theory=f"from {min(shares):.2f} to {max(shares):.2f} of them",
        measurements=(
            Measurement(
                quantity="largest share of the bits", effect=exact(max(shares)), criterion="below", reference=0.5
            ),
        ),
        figure=NAME,
        tested_on=THEORY,
    )


def bits(row: Row) -> float:
    """−log2 sin(πε)/α."""
    return -math.log2(math.sin(math.pi * row["theory"])) / row["alpha_prune"]


LINES = {name: (colour, marker, f"keep {name}") for name, (colour, marker) in RULES.items()} | {
    "best": (BEST, "^", "best margin rule"),
    "queries": (OWN, "v", "queries that tell a bit"),
}


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.8, height=4.0)
        for policy, (colour, marker, label) in LINES.items():
            line, dots = (rows_of(table, kind, policy=policy) for kind in ("theory", "simulation"))
            left.plot(column(line, "alpha_prune"), column(line, "theory"), color=colour, label=label)
            draw_dots(left, dots, colour, abscissa="alpha_prune", fmt=marker)
            right.plot(column(line, "alpha_prune"), [bits(row) for row in line], color=colour)
        for policy, dashes in (("one bit", "-"), ("any subset", "--")):
            _draw_bound(left, right, rows_of(table, "bound", policy=policy), dashes, f"bound: {policy}")
        left.set(
            yscale="log", xlabel=ALPHA_PRUNE, ylabel=TEST_ERROR, title="A  test error", xlim=(0, 8), ylim=(2e-3, 0.5)
        )
        right.set(xlabel=ALPHA_PRUNE, ylabel="bits per kept example", title="B  what an example tells", xlim=(0, 8))
        right.set_ylim(0, 6.5)
        plain_ticks(left)
        legend_beside(figure, left)
    return figure


def _draw_bound(left: Axes, right: Axes, line: Sequence[Row], dashes: str, label: str) -> None:
    left.plot(column(line, "alpha_prune"), column(line, "theory"), dashes, color="0.1", lw=1.1, label=label)
    right.plot(column(line, "alpha_prune"), [bits(row) for row in line], dashes, color="0.1", lw=1.1)
