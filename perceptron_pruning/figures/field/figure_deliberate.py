"""Askari-Hemmat et al. 2025: training on what the learner finds hard, chosen once or again and again."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.figures.field.points import gain, origin, rows_of
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.field.sources import Trainings, axis
from perceptron_pruning.figures.theory.curves import ALPHA_PRUNE, TEST_ERROR, column, draw_dots
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import BEST, HARD, RANDOM, fraction_colour
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from replica_theory.choices.mixed_risk import Source, mixed_risk
from replica_theory.real_data.structured_inputs import StructuredInputs
from replica_theory.real_data.structured_mixed_risk import StructuredSource
from replica_theory.selection import KeepHardest, KeepRandom

NAME = "deliberate"
TITLE = "Training on what the learner finds hard (deliberate practice, Askari-Hemmat et al. 2025)"
CAPTION = (
    "Students (square loss, λ = 0.1) of generated examples with right labels. A: test error when the fraction f that "
    "a learner 10° off the truth finds hardest is kept. B: a training set that doubles in stages, from one random "
    "example per dimension: by random ones, by the hardest half for the first student (chosen once), or for the "
    "student of the stage before (deliberate practice). Who ranks is as good as that student, but has seen other "
    "examples. Lines: theory of up to five sources in one risk; dots: simulation at N = {n_features}, {n_trials} "
    "trials, bars of 95 %. In the paper's practice the learner ranks by entropy and trains on what it ranked."
)
WHAT_TO_SEE = (
    "A: once there are some examples per dimension, the harder ones make the error fall faster; before, they do harm. "
    "B: hard ones for a poor student help little; chosen again at each stage (green) they help more, the further it "
    "goes."
)
SECONDS = 30.0
LOSS, RIDGE, DEGREES = "square", 0.1, 10.0
FRACTIONS = (1.0, 0.5, 0.2)
ALPHAS = np.geomspace(0.5, 60, 23).tolist()
DOT_ALPHAS = (2.0, 8.0, 32.0)
HALF = 0.5
STAGES = (1.0, 2.0, 4.0, 8.0, 16.0)
WAYS = {"random": RANDOM, "once": HARD, "again": BEST}
DOT_STAGES = (4.0, 16.0)
_ABSTRACT = (
    "Askari-Hemmat et al. 2025, arXiv:2502.15588, abstract, and the heading of section 4 (of the full text excerpts "
    'were at hand): "We theoretically show how training on challenging, informative examples improves scaling laws"'
)


def _ranked_by(degrees: float, number: int) -> tuple[float, ...]:
    """A direction off the truth, with errors of its own."""
    return (math.cos(math.radians(degrees)), *(0.0,) * number, math.sin(math.radians(degrees)))


@cache
def sources(way: str, alpha: float, fraction: float) -> tuple[Source, ...]:
    """What a training set is made of: examples of a pruner at DEGREES, or of stages."""
    if way == "pruner":
        rule = KeepHardest(fraction) if fraction < 1 else KeepRandom()
        return (Source(alpha, rule, probe=_ranked_by(DEGREES, 0)),)
    if alpha == STAGES[0] or way == "random":
        return (Source(alpha),)
    if way == "once":
        return Source(STAGES[0]), _hard(way, STAGES[0], alpha - STAGES[0], 0)
    return *sources(way, alpha / 2, fraction), _hard(way, alpha / 2, alpha / 2, STAGES.index(alpha) - 1)


def _hard(way: str, ranked_at: float, alpha: float, number: int) -> Source:
    """The hardest half for the student of a stage."""
    student = mixed_risk(sources(way, ranked_at, HALF), loss=LOSS, ridge=RIDGE)
    degrees = math.degrees(math.acos(student.overlap))
    return Source(alpha, KeepHardest(HALF), probe=_ranked_by(degrees, number))


def theory_of(row: Row) -> float:
    """Test error of a row's student."""
    parts = sources(row["way"], row["alpha_prune"], row["keep_fraction"])
    return mixed_risk(parts, loss=LOSS, ridge=RIDGE).generalization_error


def trainings(row: Row, n_features: int, seed: int) -> Trainings:
    """The same training problem in N dimensions."""
    truth = axis(n_features, 1.0)
    tested = StructuredInputs.gaussian(np.ones(n_features), teacher=truth)
    parts = sources(row["way"], row["alpha_prune"], row["keep_fraction"])
    laws = [
        tested
        if part.probe is None
        else StructuredInputs.gaussian(np.ones(n_features), teacher=truth, probe=axis(n_features, *part.probe))
        for part in parts
    ]
    drawn = [StructuredSource(part.alpha_prune, law, part.selection) for part, law in zip(parts, laws, strict=True)]
    return Trainings(drawn, tested, LOSS, RIDGE, seed)


def _place(kind: str, way: str, alpha: float, fraction: float) -> Row:
    return {"kind": kind, "way": way, "keep_fraction": fraction, "alpha_prune": alpha}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points."""
    lines = [_place("theory", "pruner", alpha, fraction) for fraction in FRACTIONS for alpha in ALPHAS]
    lines += [_place("theory", way, alpha, HALF) for way in WAYS for alpha in STAGES]
    dots = [_place("simulation", "pruner", alpha, fraction) for fraction in FRACTIONS for alpha in DOT_ALPHAS]
    dots += [_place("simulation", way, alpha, HALF) for way in WAYS for alpha in DOT_STAGES]
    return [line | {"theory": theory_of(line)} for line in lines] + [
        trainings(dot, settings.n_features, settings.seed + number).simulated(dot, settings.n_trials)
        for number, dot in enumerate(dots)
    ]


def _dot(table: Sequence[Row], way: str, alpha: float, fraction: float = HALF) -> Row:
    (row,) = rows_of(table, "simulation", way=way, alpha_prune=alpha, keep_fraction=fraction)
    return row


def claims(table: Sequence[Row]) -> list[Claim]:
    """Whether the hard help, when, and whether to choose again."""
    return [_scaling(table), *(_steeper(table, one) for one in FRACTIONS[1:]), _scarce(table), _again(table)]


def _setting(row: Row) -> str:
    return f"square loss, λ = {RIDGE:g}; {origin(row)}"


def _scaling(table: Sequence[Row]) -> Claim:
    pairs = [[_dot(table, "pruner", alpha, fraction) for fraction in (HALF, 1.0)] for alpha in DOT_ALPHAS[1:]]
    (hard, chance) = pairs[1]
    return Claim(
        statement="As many examples give less error when they are hard ones",
        paper=_ABSTRACT,
        setting=f"hardest half by a learner {DEGREES:g}° off, " + _setting(hard),
        theory=f"ε = {hard['theory']:.4f} with {DOT_ALPHAS[2]:g} per dimension, and {chance['theory']:.4f} at random",
        measurements=tuple(
            gain(f"error less that of random ones, {pair[0]['alpha_prune']:g} per dimension", pair[0], pair[1])
            for pair in pairs
        ),
        limited=True,
        figure=NAME,
    )


def _steeper(table: Sequence[Row], fraction: float) -> Claim:
    hard, chance = ([_dot(table, "pruner", alpha, f) for alpha in DOT_ALPHAS[1:]] for f in (fraction, 1.0))
    (exponent, theory), (of_chance, theory_of_chance) = (_exponent(*ends) for ends in (hard, chance))
    return Claim(
        statement="Training on the hard makes the error fall with a larger exponent",
        paper=_ABSTRACT,
        setting=f"hardest {fraction:g} by a learner {DEGREES:g}° off, {DOT_ALPHAS[1]:g} to {DOT_ALPHAS[2]:g} examples "
        "per dimension, " + _setting(hard[0]),
        theory=f"exponent {theory:.2f}, and {theory_of_chance:.2f} at random",
        measurements=(
            Measurement(
                quantity="exponent less that of random ones",
                effect=exponent.minus(of_chance),
                criterion="below",
                theory=theory - theory_of_chance,
            ),
        ),
        limited=True,
        figure=NAME,
    )


def _exponent(first: Row, last: Row) -> tuple[Effect, float]:
    """d ln ε/d ln α between two rows, simulated and by theory."""
    span = math.log(last["alpha_prune"] / first["alpha_prune"])
    relative = math.hypot(*(row["standard_error"] / row["simulation"] for row in (first, last)))
    value = math.log(last["simulation"] / first["simulation"]) / span
    return Effect(value=value, standard_error=relative / span), math.log(last["theory"] / first["theory"]) / span


def _scarce(table: Sequence[Row]) -> Claim:
    hard, chance = (_dot(table, "pruner", DOT_ALPHAS[0], fraction) for fraction in (0.2, 1.0))
    return Claim(
        statement="Where examples are scarce, training on the hardest is worse than on random ones",
        setting=f"hardest fifth by a learner {DEGREES:g}° off, {DOT_ALPHAS[0]:g} kept per dimension, " + _setting(hard),
        theory=f"ε = {hard['theory']:.4f}, and {chance['theory']:.4f} at random",
        measurements=(gain("error less that of random ones", hard, chance, "above"),),
        limited=True,
        figure=NAME,
    )


def _again(table: Sequence[Row]) -> Claim:
    again, once, chance = (_dot(table, way, DOT_STAGES[1]) for way in ("again", "once", "random"))
    return Claim(
        statement="Choosing the hard again as the learner improves is better than choosing them once",
        paper=_ABSTRACT,
        setting=f"{DOT_STAGES[1]:g} examples per dimension, in {len(STAGES) - 1} stages, " + _setting(again),
        theory=f"ε = {again['theory']:.4f}; chosen once {once['theory']:.4f}, random {chance['theory']:.4f}",
        measurements=(
            gain("error less that of those chosen once", again, once),
            gain("error less that of random ones", again, chance),
        ),
        limited=True,
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.4, height=3.7)
        for fraction in FRACTIONS:
            _draw(left, table, "pruner", fraction, fraction_colour(fraction), f"f = {fraction:g}")
        names = {"random": "random", "once": "hard for the first student", "again": "hard for the student so far"}
        for way, colour in WAYS.items():
            _draw(right, table, way, HALF, colour, names[way])
        for axes, title in ((left, "A  the hard, chosen by a good learner"), (right, "B  chosen once, or again")):
            axes.set(xscale="log", yscale="log", xlabel=ALPHA_PRUNE, ylabel=TEST_ERROR, title=title)
            plain_ticks(axes)
            axes.legend(loc="lower left")
    return figure


def _draw(axes: Axes, table: Sequence[Row], way: str, fraction: float, colour: str, label: str) -> None:
    line, dots = (rows_of(table, kind, way=way, keep_fraction=fraction) for kind in ("theory", "simulation"))
    axes.plot(column(line, "alpha_prune"), column(line, "theory"), color=colour, label=label)
    draw_dots(axes, dots, colour, abscissa="alpha_prune")
