"""Vysogorets, Ahuja & Kempe 2024 (DRoP): how much of each class to keep."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.figures.field.points import SMALLER, beside_smaller, gain, origin, rows_of
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.field.sources import Trainings, axis
from perceptron_pruning.figures.theory.curves import KEEP_FRACTION, RULES, column, draw_dots
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import BEST, KINDS
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from replica_theory.real_data.structured_inputs import GaussianInputs, StructuredInputs
from replica_theory.real_data.structured_mixed_risk import StructuredSource
from replica_theory.selection import KeepEasiest, KeepHardest

NAME = "classes"
TITLE = "How much of each class to keep (DRoP, Vysogorets et al. 2024)"
CAPTION = (
    "Two classes N(±μ, σ²), ‖μ‖ = 1.5, the narrow one of σ = 1 and the wide one of σ = 2, as many of each in the "
    "pool; logistic students with an intercept, λ = 0.1. A: error of either class against the share of the wide one "
    "among two examples kept per dimension, at random in each class. B: error of the worse class, with all kept over "
    "that, against the kept fraction of eight examples per dimension: kept at random, by distance to a boundary along "
    "μ (hard, easy), or at random in each class with quotas in proportion to the errors of the student of the whole "
    "pool (DRoP). Lines: theory; dots: simulation at N = {n_features}, {n_trials} trials, bars of 95 %. The paper's "
    "theory is for one dimension and endless data."
)
WHAT_TO_SEE = (
    "A: as the share of the wide class grows its error falls and the other's rises: the worse class is best where "
    "they cross, not at equal shares. B: DRoP (green) lies below random keeping (grey), and for f > 0.4 below 1, the "
    "whole pool. Keeping the hard (blue) or few of the easy (orange) is worse than chance; between 0.2 and 0.4 the "
    "easy are those of the wide class, which happens to balance both."
)
SECONDS = 30.0
RIDGE, STRENGTH, WIDTHS = 0.1, 1.5, {"narrow": 1.0, "wide": 2.0}
SIDES = {"narrow": -1.0, "wide": 1.0}
POOL, KEPT = 8.0, 2.0
SHARES = np.round(np.linspace(0.06, 0.94, 23), 4).tolist()
DOT_SHARES = (0.2, 0.5, 0.7)
FRACTIONS = np.round(np.union1d(np.geomspace(0.06, 1.0, 17), (0.77, 0.92)), 5).tolist()
DOT_FRACTIONS = (0.1, 0.3, 0.85)
POLICIES = ("random", "hard", "easy", "drop")
_DROP = "Vysogorets et al. 2024, arXiv:2404.05579, abstract (of the full text excerpts were at hand): "


def classes(n_features: int, *names: str) -> GaussianInputs:
    """The law of these classes, as many examples of each."""
    mean = axis(n_features, STRENGTH)
    return StructuredInputs.mixture(
        [SIDES[name] * mean for name in names],
        [WIDTHS[name] ** 2 * np.ones(n_features) for name in names],
        labels=[SIDES[name] for name in names],
        probe=mean,
        intercept=True,
    )


def trainings(row: Row, n_features: int = 8, seed: int = 0) -> Trainings:
    """The training problem of a row, tested on one class."""
    tested = classes(n_features, row["tested"])
    alpha = row["alpha_prune"]
    if row["policy"] in ("hard", "easy"):
        rule = {"hard": KeepHardest, "easy": KeepEasiest}[row["policy"]](row["keep_fraction"])
        sources = [StructuredSource(alpha, classes(n_features, *SIDES), rule)]
    else:
        parts = {"narrow": 1 - row["wide_share"], "wide": row["wide_share"]}
        laws = {name: tested if name == row["tested"] else classes(n_features, name) for name in parts}
        sources = [StructuredSource(alpha * part, laws[name]) for name, part in parts.items()]
    return Trainings(sources, tested, "logistic", RIDGE, seed)


def theory_of(row: Row) -> float:
    """Error of a row's student on the class that it is tested on."""
    return trainings(row).theory()


@cache
def quota(fraction: float) -> float:
    """DRoP's share of the wide class at this kept fraction: in proportion to errors, and no more than there are.

    It is rounded to hundredths, which are whole numbers of examples at the simulated sizes.
    """
    whole = {name: theory_of(_place("", "random", 1.0, 0.5, name)) for name in SIDES}
    share = round(whole["wide"] / sum(whole.values()), 2)
    most = 0.5 / fraction  # of a class, all of it
    return round(float(np.clip(share, 1 - most, most)), 6)


def _place(kind: str, policy: str, fraction: float, wide_share: float, tested: str) -> Row:
    place = {"kind": kind, "policy": policy, "keep_fraction": fraction, "alpha_prune": fraction * POOL}
    return place | {"wide_share": wide_share, "tested": tested}


def _of_policy(kind: str, policy: str, fraction: float) -> list[Row]:
    share = quota(fraction) if policy == "drop" else 0.5
    return [_place(kind, policy, fraction, share, tested) for tested in SIDES]


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points, a row for each class."""
    lines = [_place("shares", "random", KEPT / POOL, share, tested) for tested in SIDES for share in SHARES]
    lines += [row for policy in POLICIES for f in FRACTIONS for row in _of_policy("theory", policy, f)]
    dots = [_place("simulation", "shares", KEPT / POOL, share, tested) for tested in SIDES for share in DOT_SHARES]
    dots += _of_policy("simulation", "random", 1.0)
    dots += [row for policy in POLICIES for f in DOT_FRACTIONS for row in _of_policy("simulation", policy, f)]
    return [line | {"theory": theory_of(line)} for line in lines] + [
        _simulated(dot, settings, settings.seed + number) for number, dot in enumerate(dots)
    ]


def _simulated(place: Row, settings: Settings, seed: int) -> Row:
    """Beside a term of 1/N that is measured: the theory's own is off by some 2 % of a small class's error."""
    n, trials = settings.n_features, settings.n_trials
    sizes = [trainings(place, n // part, seed + 1000 * part).errors(trials * more) for part, more in SMALLER]
    return beside_smaller(place, trainings(place, n).whole().theory(), sizes, n, seed + 1000)


def worst(rows: Sequence[Row]) -> list[Row]:
    """Of the rows of both classes, one after the other, those of the class with the larger error by the theory."""
    return [max(pair, key=lambda row: row["theory"]) for pair in zip(rows[::2], rows[1::2], strict=True)]


def claims(table: Sequence[Row]) -> list[Claim]:
    """Where the worse class is best, and what quotas do for it."""
    return [_crossing(table), _quotas(table), _biased(table)]


def _worst(table: Sequence[Row], policy: str, fraction: float) -> Row:
    (row,) = worst(rows_of(table, "simulation", policy=policy, keep_fraction=fraction))
    return row


def _setting(row: Row) -> str:
    return f"‖μ‖ = {STRENGTH:g}, σ = 1 and 2, logistic loss, λ = {RIDGE:g}; {origin(row)}"


def _crossing(table: Sequence[Row]) -> Claim:
    equal, more = (
        rows_of(table, "simulation", policy="shares", wide_share=share) for share in (DOT_SHARES[1], DOT_SHARES[2])
    )
    before, after = (max(rows, key=lambda row: row["theory"]) for rows in (equal, more))
    return Claim(
        statement="The worse class is best at unequal shares of what is kept: more of the wide one",
        paper="App. B.2, Worst-class optimal priors (its heading alone was at hand); "
        + _DROP
        + '"choosing appropriate class pruning ratios, coupled with random pruning within classes has '
        'potential to improve worst-class performance"',
        setting=f"{DOT_SHARES[2]:g} of the wide class against 0.5, {KEPT:g} kept per dimension, " + _setting(before),
        theory=f"error of the worse class {after['theory']:.4f}, and {before['theory']:.4f} at equal shares",
        measurements=(gain("error of the worse class less that at equal shares", after, before),),
        limited=True,
        figure=NAME,
    )


def _quotas(table: Sequence[Row]) -> Claim:
    fraction = DOT_FRACTIONS[1]
    drop, chance = (_worst(table, policy, fraction) for policy in ("drop", "random"))
    many, whole = _worst(table, "drop", DOT_FRACTIONS[2]), _worst(table, "random", 1.0)
    return Claim(
        statement="Quotas in proportion to class errors improve the worse class over random keeping, and over all",
        paper=_DROP + '"our proposed method continues improving distributional robustness at a tolerable drop of '
        'average performance as we prune more"',
        setting=f"f = {fraction:g} of {POOL:g} examples per dimension, {drop['wide_share']:.3f} of them wide, "
        + _setting(drop),
        theory=f"{drop['theory']:.4f}, and {chance['theory']:.4f} at random; at f = {DOT_FRACTIONS[2]:g} "
        f"{many['theory']:.4f}, and {whole['theory']:.4f} with all",
        measurements=(
            gain("error of the worse class less that of random keeping", drop, chance),
            gain(f"at f = {DOT_FRACTIONS[2]:g}, less that with all", many, whole),
        ),
        limited=True,
        figure=NAME,
    )


def _biased(table: Sequence[Row]) -> Claim:
    fraction = DOT_FRACTIONS[0]
    hard, easy, chance = (_worst(table, policy, fraction) for policy in ("hard", "easy", "random"))
    return Claim(
        statement="Keeping few by margin, hard or easy, makes the worse class worse than random keeping does",
        paper=_DROP + '"existing data pruning algorithms can produce highly biased classifiers"',
        setting=f"f = {fraction:g} of {POOL:g} examples per dimension, " + _setting(easy),
        theory=f"hard {hard['theory']:.3f}, easy {easy['theory']:.3f}, random {chance['theory']:.3f}",
        measurements=tuple(
            gain(f"error of the worse class less that of random keeping, {name}", row, chance, "above")
            for name, row in (("hard", hard), ("easy", easy))
        ),
        limited=True,
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.4, height=3.7)
        for tested, colour in zip(SIDES, (KINDS[0], KINDS[2]), strict=True):
            line = rows_of(table, "shares", tested=tested)
            dots = rows_of(table, "simulation", policy="shares", tested=tested)
            left.plot(column(line, "wide_share"), column(line, "theory"), color=colour, label=f"{tested} class")
            draw_dots(left, dots, colour, abscissa="wide_share")
        left.set(xlabel="share of the wide class in what is kept", ylabel="error of a class", title="A  class shares")
        left.legend(loc="upper center")
        for policy in POLICIES:
            _draw_worst(right, table, policy)
        right.axhline(1.0, color="0.35", lw=0.9)
        right.set(xscale="log", yscale="log", xlabel=KEEP_FRACTION, ylabel="worse class's error / whole pool's")
        right.set_title("B  how to choose")
        plain_ticks(right)
        right.legend(loc="upper right")
    return figure


def _draw_worst(axes: Axes, table: Sequence[Row], policy: str) -> None:
    colour, marker = (BEST, "^") if policy == "drop" else RULES[policy]
    (whole,) = worst(rows_of(table, "theory", policy="random", keep_fraction=1.0))
    line = worst(rows_of(table, "theory", policy=policy))
    ratios = np.array(column(line, "theory")) / whole["theory"]
    axes.plot(column(line, "keep_fraction"), ratios, color=colour, label={"drop": "DRoP"}.get(policy, policy))
    dots = [row for row in worst(rows_of(table, "simulation", policy=policy)) if row["keep_fraction"] < 1]
    scaled = [
        {"keep_fraction": row["keep_fraction"]}
        | {name: row[name] / whole["theory"] for name in ("simulation", "standard_error")}
        for row in dots
    ]
    draw_dots(axes, scaled, colour, abscissa="keep_fraction", fmt=marker)
