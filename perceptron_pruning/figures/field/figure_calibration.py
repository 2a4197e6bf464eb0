"""Ayed & Hayou 2023: where pruning by score fails against random keeping, and how much at random mends it."""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import brentq

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.figures.field.points import gain, origin, ratio, rows_of, simulated
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.theory.curves import KEEP_FRACTION, column, draw_dots
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import sequence
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.simulation import simulate
from replica_theory.choices.optimal_reserve import optimal_reserve
from replica_theory.max_margin import max_margin
from replica_theory.selection import Calibrated, KeepHardest, KeepRandom, Selection

NAME = "calibration"
TITLE = "Pruning by score fails at small fractions, and random examples mend it (Ayed & Hayou 2023)"
CAPTION = (
    "Max-margin students of a pool of 12 examples per dimension. A: test error over that of random keeping at the "
    "same kept fraction, of the hardest by a probe at θ (dashed), and with the best share of the pool kept at random "
    "beside them (full line). B: that best share; circles: the fraction where the rule by itself begins to lose. "
    "Lines: theory; dots: simulation at N = {n_features}, {n_trials} trials, bars of 95 %. The paper's learners and "
    "scores are any, its pool infinite; here they are perceptrons, distances to a boundary, and a finite pool."
)
WHAT_TO_SEE = (
    "A: dashed lines rise above 1 towards the left: there the score is worse than chance. Full lines never do, and "
    "lie below both the dashed ones and 1 where a mixture is best. B: the share falls from 1 (all at random) to 0 "
    "(the rule alone); the better the score, the sooner and the more sharply."
)
SECONDS = 20.0
ALPHA_TOTAL = 12.0
DEGREES = (0.0, 20.0, 40.0)
FRACTIONS = np.round(np.append(np.geomspace(0.03, 0.6, 27), (0.7, 0.8, 0.9)), 4).tolist()
DOT_DEGREES = (20.0, 40.0)
DOTS = (0.1, 0.25, 0.35, 0.6)
POLICIES = ("random", "rule", "reserve")
TOLD = {20.0: 0.25, 40.0: 0.35}  # fraction at which a mixture is told apart from both its parts
_ABSTRACT = "Abstract (the full text was not at hand)"


def selection_of(row: Row) -> Selection:
    """The rule of a row: hardest, at random, or a mixture."""
    fraction, share = row["keep_fraction"], row["random_share"]
    if share in (0.0, 1.0):
        return KeepRandom(fraction) if share else KeepHardest(fraction)
    return Calibrated(KeepHardest(fraction), share)


def theory_of(row: Row) -> float:
    """Test error of a row's student, or the fraction of an onset."""
    if row["kind"] == "onset":
        return _onset(row["probe_angle_degrees"])
    angle = math.radians(row["probe_angle_degrees"])
    return max_margin(
        row["keep_fraction"] * ALPHA_TOTAL, selection=selection_of(row), probe_angle=angle
    ).generalization_error


def _onset(degrees: float) -> float:
    """Kept fraction at which the hardest are as good as random ones."""

    def log_ratio(fraction: float) -> float:
        rule, chance = (theory_of(_place("theory", degrees, fraction, policy)) for policy in ("rule", "random"))
        return math.log(rule / chance)

    return cast(float, brentq(log_ratio, 0.05, 0.9, xtol=1e-10))


def _place(kind: str, degrees: float, fraction: float, policy: str) -> Row:
    """Columns that say which student it is; of a reserve, the best."""
    share = {"random": 1.0, "rule": 0.0}.get(policy)
    if share is None:
        best = optimal_reserve(ALPHA_TOTAL, selection=KeepHardest(fraction), probe_angle=math.radians(degrees))
        share = best.random_share
    place = {"kind": kind, "policy": policy, "alpha_total": ALPHA_TOTAL, "probe_angle_degrees": degrees}
    return place | {"keep_fraction": fraction, "random_share": share}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory, where the rule begins to lose, and simulated points."""
    places = [_place("theory", *place) for place in _grid(DEGREES, FRACTIONS)]
    onsets = [_place("onset", degrees, math.nan, "rule") | {"keep_fraction": None} for degrees in DEGREES]
    rows = [place | {"theory": theory_of(place)} for place in places + onsets]
    return rows + [_simulated(_place("simulation", *place), settings) for place in _grid(DOT_DEGREES, DOTS)]


def _grid(angles: Sequence[float], fractions: Sequence[float]) -> list[tuple[float, float, str]]:
    return [(degrees, fraction, policy) for degrees in angles for policy in POLICIES for fraction in fractions]


def _simulated(place: Row, settings: Settings) -> Row:
    pools = simulate(
        place["keep_fraction"] * ALPHA_TOTAL,
        selection=selection_of(place),
        probe_angle=math.radians(place["probe_angle_degrees"]),
        n_features=settings.n_features,
        n_trials=settings.n_trials,
        seed=settings.seed + POLICIES.index(place["policy"]),
    )
    return simulated(place, pools)


def claims(table: Sequence[Row]) -> list[Claim]:
    """What holds of the paper's statements for each simulated probe."""
    return [claim(table, degrees) for claim in (_fails, _mended) for degrees in DOT_DEGREES]


def _dots(table: Sequence[Row], degrees: float, fraction: float) -> dict[str, Row]:
    rows = rows_of(table, "simulation", probe_angle_degrees=degrees, keep_fraction=fraction)
    return {row["policy"]: row for row in rows}


def _fails(table: Sequence[Row], degrees: float) -> Claim:
    few, many = (_dots(table, degrees, fraction) for fraction in (DOTS[0], DOTS[-1]))
    (onset,) = rows_of(table, "onset", probe_angle_degrees=degrees)
    return Claim(
        statement="At small kept fractions pruning by score is worse than random keeping",
        paper=f'{_ABSTRACT}: "random data pruning remains a strong baseline and outperforms most existing data pruning '
        'methods in the high compression regime, i.e., where a fraction of 30% or less of the data is kept"',
        setting=f"hardest by a probe at {degrees:g}°, α_total = {ALPHA_TOTAL:g}, max-margin; {origin(few['rule'])}",
        theory=f"the rule begins to lose below f = {onset['theory']:.3f}",
        measurements=(
            gain(f"error less that of random keeping, f = {DOTS[0]:g}", few["rule"], few["random"], "above"),
            gain(f"error less that of random keeping, f = {DOTS[-1]:g}", many["rule"], many["random"]),
        ),
        limited=True,
        figure=NAME,
    )


def _mended(table: Sequence[Row], degrees: float) -> Claim:
    fraction = TOLD[degrees]
    dots = _dots(table, degrees, fraction)
    shares = {
        row["keep_fraction"]: row["random_share"]
        for row in rows_of(table, "theory", probe_angle_degrees=degrees, policy="reserve")
    }
    mixed = [place for place, share in shares.items() if 0 < share < 1]
    return Claim(
        statement="Random examples beside a score's choice improve on both the score and random keeping",
        paper=f'{_ABSTRACT}: "calibration protocols that enhance the performance of existing pruning algorithms in '
        'this high compression regime using randomization"',
        setting=f"hardest by a probe at {degrees:g}°, f = {fraction:g}, the best random share "
        f"{dots['reserve']['random_share']:.2f}, α_total = {ALPHA_TOTAL:g}, max-margin; {origin(dots['rule'])}",
        theory=f"a mixture is best for f of {min(mixed):.2g} to {max(mixed):.2g} of those in the picture; below, "
        "random keeping alone, above, the rule alone",
        measurements=tuple(
            gain(f"error less that of {name}", dots["reserve"], dots[policy])
            for policy, name in (("rule", "the rule alone"), ("random", "random keeping"))
        ),
        limited=True,
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.2, height=3.7)
        for degrees, colour in zip(DEGREES, sequence(len(DEGREES)), strict=True):
            _draw_ratios(left, table, degrees, colour)
            line = rows_of(table, "theory", probe_angle_degrees=degrees, policy="reserve")
            places = column(line, "keep_fraction")
            right.plot(places, column(line, "random_share"), color=colour, label=f"θ = {degrees:g}°")
            (onset,) = rows_of(table, "onset", probe_angle_degrees=degrees)
            right.plot([onset["theory"]], [0.0], "o", mfc="white", color=colour, ms=6, clip_on=False, zorder=5)
        left.axhline(1.0, color="0.35", lw=0.9)
        left.set(xscale="log", xlabel=KEEP_FRACTION, ylabel="test error / random keeping's", title="A  hardest kept")
        right.set(xscale="log", xlabel=KEEP_FRACTION, ylabel="best random share", title="B  how much at random")
        for axes in (left, right):
            axes.set_xticks([0.03, 0.1, 0.3, 1.0], labels=["0.03", "0.1", "0.3", "1"])
            axes.set_xticks([], minor=True)
        for marks, text in (("--", "the rule"), ("-", "with the best random share"), ("o", "simulation, 95 %")):
            left.plot([], [], marks, color="0.25", ms=3.4, label=text)
        left.legend(loc="lower left")
        right.legend(loc="lower left")
    return figure


def _draw_ratios(axes: Axes, table: Sequence[Row], degrees: float, colour: str) -> None:
    """Errors over those of random keeping, theory and simulation."""
    for policy, dashes in (("rule", "--"), ("reserve", "-")):
        line, chance = (
            rows_of(table, "theory", probe_angle_degrees=degrees, policy=name) for name in (policy, "random")
        )
        ratios = [a["theory"] / b["theory"] for a, b in zip(line, chance, strict=True)]
        axes.plot(column(line, "keep_fraction"), ratios, dashes, color=colour)
        dots, others = (
            rows_of(table, "simulation", probe_angle_degrees=degrees, policy=name) for name in (policy, "random")
        )
        look = {"mfc": "white" if policy == "rule" else colour}
        draw_dots(
            axes,
            [ratio(*pair, "keep_fraction") for pair in zip(dots, others, strict=True)],
            colour,
            abscissa="keep_fraction",
            **look,
        )
