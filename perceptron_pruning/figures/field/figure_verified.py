"""Feng et al. 2024 and El Firdoussi et al. 2024: where verified labels break down, sharply or not."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtr

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.figures.field.points import against, gain, origin, rows_of
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.field.sources import Trainings, axis, noisy_classes
from perceptron_pruning.figures.theory.curves import ALPHA_TOTAL, TEST_ERROR, column, draw_dots
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import sequence
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from replica_theory.real_data.structured_mixed_risk import StructuredSource

NAME = "verified"
TITLE = "Where verified labels break down: sharp and smooth (Feng et al. 2024, El Firdoussi et al. 2024)"
CAPTION = (
    "Two classes N(±μ, 1), ‖μ‖ = 1, with labels of which a share p is wrong; a verifier keeps right ones with chance "
    "φ = 0.8 and wrong ones with ρ = 0.4, and the student (square loss, λ = 0.1) is trained on what it keeps. A: test "
    "error against p, for pools of 1 to 64 examples per dimension (dark to light; dashed: nothing verified); grey: "
    "the limit of many examples, which jumps at p* = φ/(φ + ρ). B: the rise of the error within p* ± 0.05, which in "
    "that limit is the whole jump (grey). Lines: theory; dots: simulation at N = {n_features}, {n_trials} trials, "
    "bars of 95 %. The first paper's student has no ridge; numbers of verifier and classes are ours."
)
WHAT_TO_SEE = (
    "A: verification moves the breakdown from 1/2 (dashed) to p* = 2/3. With few examples (dark) there is no jump, "
    "but a slope. B: it takes some hundred examples per dimension until the transition looks sharp."
)
SECONDS = 25.0
RIGHT, WRONG = 0.8, 0.4  # φ and ρ
THRESHOLD = RIGHT / (RIGHT + WRONG)
STRENGTH, RIDGE = 1.0, 0.1
BEST = float(ndtr(-STRENGTH))
POOLS = (1.0, 4.0, 16.0, 64.0)
SHARES = np.round(np.linspace(0.02, 0.98, 33), 4).tolist()
RISE = 0.05
EDGES = (round(THRESHOLD - RISE, 6), round(THRESHOLD + RISE, 6))
GROWING = np.geomspace(0.5, 2000, 19).tolist()
BETWEEN = 0.58  # a share beyond 1/2 and below p*
DOT_POOLS = (1.0, 16.0)
DOT_SHARES = (0.1, 0.35, BETWEEN, *EDGES, 0.9)
_FENG = (
    "Feng et al. 2024, arXiv:2406.07515, in substance (abstract and a summary were at hand): a sharp transition, at a "
    "breakdown point that the verifier's quality decides"
)
_EL_FIRDOUSSI = (
    'El Firdoussi et al. 2024, arXiv:2410.08942, abstract (the full text was not at hand): "We also show a smooth '
    'phase transition in synthetic label noise, contrasting with prior sharp behavior in infinite sample limits"'
)


def trainings(row: Row, n_features: int = 8, seed: int = 0) -> Trainings:
    """The training problem of a row."""
    wrong, keep = row["wrong_share"], (RIGHT, WRONG) if row["verified"] else (1.0, 1.0)
    kept_right, kept_wrong = keep[0] * (1 - wrong), keep[1] * wrong
    kept = kept_right + kept_wrong
    mean = axis(n_features, STRENGTH)
    source = StructuredSource(row["alpha_total"] * kept, noisy_classes(mean, wrong=kept_wrong / kept))
    return Trainings([source], noisy_classes(mean), "square", RIDGE, seed)


def theory_of(row: Row) -> float:
    """Test error of a row's student."""
    return trainings(row).theory()


def _place(kind: str, alpha: float, wrong: float, verified: bool = True) -> Row:
    return {"kind": kind, "verified": int(verified), "alpha_total": alpha, "wrong_share": wrong}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points."""
    places = [_place("theory", alpha, wrong) for alpha in POOLS for wrong in SHARES]
    places += [_place("theory", POOLS[-1], wrong, False) for wrong in SHARES]
    places += [_place("rise", alpha, wrong) for wrong in EDGES for alpha in GROWING]
    dots = [_place("simulation", alpha, wrong) for alpha in DOT_POOLS for wrong in DOT_SHARES]
    dots.append(_place("simulation", DOT_POOLS[-1], BETWEEN, False))
    return [place | {"theory": theory_of(place)} for place in places] + [
        trainings(place, settings.n_features, settings.seed + number).simulated(place, settings.n_trials)
        for number, place in enumerate(dots)
    ]


def claims(table: Sequence[Row]) -> list[Claim]:
    """Where labels break down with a verifier and without, and how sharply."""
    return [_moved(table), _smooth(table)]


def _dot(table: Sequence[Row], alpha: float, wrong: float, verified: int = 1) -> Row:
    (row,) = rows_of(table, "simulation", alpha_total=alpha, wrong_share=wrong, verified=verified)
    return row


def _setting(row: Row) -> str:
    return f"φ = {RIGHT:g}, ρ = {WRONG:g}, ‖μ‖ = {STRENGTH:g}, square loss, λ = {RIDGE:g}; {origin(row)}"


def _moved(table: Sequence[Row]) -> Claim:
    verified, raw = (_dot(table, DOT_POOLS[-1], BETWEEN, one) for one in (1, 0))
    return Claim(
        statement="A verifier moves the share of wrong labels at which a student breaks down from 1/2 to φ/(φ + ρ)",
        paper=_FENG,
        setting=f"p = {BETWEEN:g}, between 1/2 and p* = {THRESHOLD:.3f}, α_total = {DOT_POOLS[-1]:g}, "
        + _setting(verified),
        theory=f"ε = {verified['theory']:.3f} with the verifier, {raw['theory']:.3f} without",
        measurements=(
            against("error with the verifier", verified, 0.5, "below"),
            against("error without", raw, 0.5, "above"),
            against("beyond p*, error with it", _dot(table, DOT_POOLS[-1], EDGES[1]), 0.5, "above"),
        ),
        limited=True,
        figure=NAME,
    )


def _smooth(table: Sequence[Row]) -> Claim:
    few, many = ([_dot(table, alpha, wrong) for wrong in EDGES] for alpha in DOT_POOLS)
    rises = [gain("", high, low) for low, high in (few, many)]
    return Claim(
        statement="At a finite number of examples the transition is smooth, and the smoother the fewer they are",
        paper=_EL_FIRDOUSSI,
        setting=f"p* ± {RISE:g}, α_total = {DOT_POOLS[0]:g} and {DOT_POOLS[1]:g}, " + _setting(few[0]),
        theory=f"the error rises by {rises[0].theory:.3f} and {rises[1].theory:.3f}; with many by {1 - 2 * BEST:.3f}",
        measurements=(
            Measurement(
                quantity=f"rise at α_total = {DOT_POOLS[1]:g} less the whole jump",
                effect=rises[1].effect,
                criterion="below",
                reference=1 - 2 * BEST,
                theory=rises[1].theory,
            ),
            Measurement(
                quantity=f"rise at α_total = {DOT_POOLS[0]:g} less that at {DOT_POOLS[1]:g}",
                effect=rises[0].effect.minus(rises[1].effect),
                criterion="below",
                theory=(rises[0].theory or 0.0) - (rises[1].theory or 0.0),
            ),
        ),
        limited=True,
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.4, height=3.7)
        left.plot([0, THRESHOLD, THRESHOLD, 1], [BEST, BEST, 1 - BEST, 1 - BEST], color="0.6", lw=2.2)
        for alpha, colour in zip(POOLS, sequence(len(POOLS)), strict=True):
            _draw_errors(left, table, alpha, colour)
        left.set(
            xlabel="share of wrong labels, p", ylabel=TEST_ERROR, title="A  the breakdown", xlim=(0, 1), ylim=(0.1, 0.9)
        )
        left.legend(loc="upper left", title=r"$\alpha_{\mathrm{total}}$", title_fontsize=7.5)
        _draw_rises(right, table)
        right.axhline(1 - 2 * BEST, color="0.6", lw=2.2, label="many examples: the whole jump")
        right.set(xscale="log", xlabel=ALPHA_TOTAL, ylabel=f"rise of ε within p* ± {RISE:g}", title="B  how sharp")
        right.set_ylim(0, 0.75)
        plain_ticks(right)
        right.legend(loc="center left")
    return figure


def _draw_errors(axes: Axes, table: Sequence[Row], alpha: float, colour: str) -> None:
    line, raw = (rows_of(table, "theory", alpha_total=alpha, verified=one) for one in (1, 0))
    axes.plot(column(line, "wrong_share"), column(line, "theory"), color=colour, label=f"{alpha:g}")
    if raw:
        axes.plot(
            column(raw, "wrong_share"), column(raw, "theory"), "--", color=colour, label=f"{alpha:g}, not verified"
        )
    draw_dots(axes, rows_of(table, "simulation", alpha_total=alpha, verified=1), colour, abscissa="wrong_share")


def _draw_rises(axes: Axes, table: Sequence[Row]) -> None:
    low, high = (rows_of(table, "rise", wrong_share=edge) for edge in EDGES)
    rises = np.array(column(high, "theory")) - np.array(column(low, "theory"))
    axes.plot(column(low, "alpha_total"), rises, color="0.1", label="theory")
    dots = []
    for alpha in DOT_POOLS:
        first, last = (_dot(table, alpha, edge) for edge in EDGES)
        rise = gain("", last, first).effect
        dots.append({"alpha_total": alpha, "simulation": rise.value, "standard_error": rise.standard_error})
    draw_dots(axes, dots, "0.1", abscissa="alpha_total", label="simulation, 95 %")
