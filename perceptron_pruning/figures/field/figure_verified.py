"""Feng et al. 2024 and El Firdoussi et al. 2024: where verified labels break down, sharply or not."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtr

from perceptron_pruning.evidence.claim import THEORY, Claim, Measurement
from perceptron_pruning.evidence.effect import exact
from perceptron_pruning.figures.field.points import against, agreement_of, gain, origin, published_of, rows_of
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
    "φ = 0.8 and wrong ones with ρ = 0.3, and the student (square loss, γ = λ/α_total = 1) is trained on what it "
    "keeps: the settings of El Firdoussi et al.'s Fig. 4. A: test error against p, for pools of 1 to 1000 examples "
    "per dimension (dark to light; dashed: 10, none verified); grey: the limit of many examples, which jumps at p* = "
    "φ/(φ + ρ). B: the rise of the error within p* ± 0.05, which in that limit is the whole jump (grey). C: how far "
    "the published values are from ours. Lines: theory; crosses: published; dots: simulation at N = {n_features}, "
    "four times {n_trials} trials, bars of 95 %."
)
WHAT_TO_SEE = (
    "A: verification moves the breakdown from 1/2 (dashed) to p* = 0.73. With few examples (dark) there is no jump, "
    "but a slope. B: it takes a thousand examples per dimension until the transition looks sharp. C: the published "
    "theory is exact for many examples; with few it is off by up to 0.007, and the dots of A are on our side."
)
SECONDS = 40.0
RIGHT, WRONG = 0.8, 0.3  # φ and ρ
THRESHOLD = RIGHT / (RIGHT + WRONG)
STRENGTH, GAMMA = 1.0, 1.0
BEST = float(ndtr(-STRENGTH))
POOLS = (1.0, 10.0, 100.0, 1000.0)
SHARES = np.round(np.linspace(0.02, 0.98, 33), 4).tolist()
RISE = 0.05
EDGES = (round(THRESHOLD - RISE, 6), round(THRESHOLD + RISE, 6))
GROWING = np.geomspace(0.5, 5000, 19).tolist()
BETWEEN = 0.6  # a share beyond 1/2 and below p*
DOT_POOLS = (1.0, 10.0)
FARTHEST = 0.95  # the share at which the published values are farthest off
DOT_SHARES = (0.15, 0.45, BETWEEN, *EDGES, FARTHEST)
MORE = 4  # trials, in units of the settings'
AGREEMENT = 0.001  # distance of errors that counts as none
_FENG = (
    "Feng et al. 2024, arXiv:2406.07515, in substance (abstract and a summary were at hand): a sharp transition, at a "
    "breakdown point that the verifier's quality decides"
)
_EL_FIRDOUSSI = (
    'El Firdoussi et al. 2024, arXiv:2410.08942, Fig. 4 (its code was at hand, of the text the abstract): "We also '
    "show a smooth phase transition in synthetic label noise, contrasting with prior sharp behavior in infinite "
    'sample limits"'
)


def trainings(row: Row, n_features: int = 8, seed: int = 0) -> Trainings:
    """The training problem of a row."""
    wrong, keep = row["wrong_share"], (RIGHT, WRONG) if row["verified"] else (1.0, 1.0)
    kept_right, kept_wrong = keep[0] * (1 - wrong), keep[1] * wrong
    kept = kept_right + kept_wrong
    mean = axis(n_features, STRENGTH)
    source = StructuredSource(row["alpha_total"] * kept, noisy_classes(mean, wrong=kept_wrong / kept))
    return Trainings([source], noisy_classes(mean), "square", GAMMA * row["alpha_total"], seed)


def theory_of(row: Row) -> float:
    """Test error of a row's student."""
    return trainings(row).theory()


def _place(kind: str, alpha: float, wrong: float, verified: bool = True) -> Row:
    return {"kind": kind, "verified": int(verified), "alpha_total": alpha, "wrong_share": wrong}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points."""
    places = [_place("theory", alpha, wrong) for alpha in POOLS for wrong in SHARES]
    places += [_place("theory", DOT_POOLS[-1], wrong, False) for wrong in SHARES]
    places += [_place("published", row["alpha_total"], row["wrong_share"]) for row in published_of(NAME)]
    places += [_place("rise", alpha, wrong) for wrong in EDGES for alpha in GROWING]
    dots = [_place("simulation", alpha, wrong) for alpha in DOT_POOLS for wrong in DOT_SHARES]
    dots.append(_place("simulation", DOT_POOLS[-1], BETWEEN, False))
    published = {(row["alpha_total"], row["wrong_share"]): row["error"] for row in published_of(NAME)}
    rows = [place | {"theory": theory_of(place)} for place in places] + [
        trainings(place, settings.n_features, settings.seed + number).simulated(place, MORE * settings.n_trials)
        for number, place in enumerate(dots)
    ]
    return [row | {"published": _known(row, published)} for row in rows]


def _known(row: Row, published: Mapping[tuple[float, float], float]) -> float | None:
    """What was published for a row, if anything."""
    return published.get((row["alpha_total"], row["wrong_share"])) if row["verified"] else None


def claims(table: Sequence[Row]) -> list[Claim]:
    """Where labels break down with a verifier and without, and how sharply."""
    return [_moved(table), _smooth(table), _published(table), _sides(table)]


def _dot(table: Sequence[Row], alpha: float, wrong: float, verified: int = 1) -> Row:
    (row,) = rows_of(table, "simulation", alpha_total=alpha, wrong_share=wrong, verified=verified)
    return row


def _setting(row: Row) -> str:
    return f"φ = {RIGHT:g}, ρ = {WRONG:g}, ‖μ‖ = {STRENGTH:g}, square loss, γ = {GAMMA:g}; {origin(row)}"


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


def _published(table: Sequence[Row]) -> Claim:
    rows = rows_of(table, "published")
    few, many = (
        max(abs(row["theory"] - row["published"]) for row in rows if row["alpha_total"] in pools)
        for pools in (POOLS[:1], POOLS[2:])
    )
    return Claim(
        statement="The published accuracies are ours for many examples per dimension, and not for few",
        paper=_EL_FIRDOUSSI,
        setting=f"{len(rows)} values of Fig. 4 by the published formulas, 10 shares of wrong labels, 4 pools",
        measurements=(
            Measurement(
                quantity=f"largest distance, {POOLS[2]:g} and more per dimension",
                effect=exact(many),
                criterion="within",
                reference=AGREEMENT,
            ),
            Measurement(
                quantity=f"largest distance, {POOLS[0]:g} per dimension",
                effect=exact(few),
                criterion="above",
                reference=AGREEMENT,
            ),
        ),
        note="the formulas have α/(1 + αδ), α the kept share, where leaving out one that is kept gives α/(1 + δ)",
        figure=NAME,
        tested_on=THEORY,
    )


def _sides(table: Sequence[Row]) -> Claim:
    row = _dot(table, DOT_POOLS[0], FARTHEST)
    away = agreement_of(row, "simulated error")
    return Claim(
        statement="Where the published accuracies are farthest off, simulation sides with our theory",
        setting=f"p = {FARTHEST:g}, α_total = {DOT_POOLS[0]:g}, published error {row['published']:.4f}; "
        + _setting(row),
        theory=f"ε = {row['theory']:.4f}, and {row['finite_size']:+.4f} at this N",
        measurements=(
            away,
            Measurement(
                quantity="simulated error less the published one",
                effect=away.effect.minus(exact(row["published"] + row["finite_size"])),
                criterion="above" if row["theory"] > row["published"] else "below",
                theory=row["theory"] - row["published"],
            ),
        ),
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, middle, right),) = new_panels(1, 3, width=12.4, height=3.7)
        left.plot([0, THRESHOLD, THRESHOLD, 1], [BEST, BEST, 1 - BEST, 1 - BEST], color="0.6", lw=2.2)
        for alpha, colour in zip(POOLS, sequence(len(POOLS)), strict=True):
            _draw_errors(left, table, alpha, colour)
            rows = rows_of(table, "published", alpha_total=alpha)
            away = [abs(row["theory"] - row["published"]) for row in rows]
            right.plot(column(rows, "wrong_share"), away, "x-", color=colour, ms=4, lw=0.8)
        left.set(xlabel="share of wrong labels, p", ylabel=TEST_ERROR, title="A  the breakdown", xlim=(0, 1))
        left.set_ylim(0.1, 0.9)
        left.legend(loc="upper left", title=r"$\alpha_{\mathrm{total}}$", title_fontsize=7.5)
        _draw_rises(middle, table)
        middle.axhline(1 - 2 * BEST, color="0.6", lw=2.2, label="many examples: the whole jump")
        middle.set(xscale="log", xlabel=ALPHA_TOTAL, ylabel=f"rise of ε within p* ± {RISE:g}", title="B  how sharp")
        middle.set_ylim(0, 1)
        plain_ticks(middle)
        middle.legend(loc="upper left")
        right.set(yscale="log", xlabel="share of wrong labels, p", title="C  |published − ours|", xlim=(0, 1))
        right.set_ylim(1e-9, 0.05)
    return figure


def _draw_errors(axes: Axes, table: Sequence[Row], alpha: float, colour: str) -> None:
    line, raw = (rows_of(table, "theory", alpha_total=alpha, verified=one) for one in (1, 0))
    axes.plot(column(line, "wrong_share"), column(line, "theory"), color=colour, label=f"{alpha:g}")
    if raw:
        label = f"{alpha:g}, not verified"
        axes.plot(column(raw, "wrong_share"), column(raw, "theory"), "--", color=colour, label=label)
    crosses = rows_of(table, "published", alpha_total=alpha)
    axes.plot(column(crosses, "wrong_share"), column(crosses, "published"), "x", color=colour, ms=4, mew=1)
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
