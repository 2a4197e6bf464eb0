"""El Firdoussi et al. 2024: real and synthetic examples in one training set."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import THEORY, Claim, Measurement
from perceptron_pruning.evidence.effect import exact
from perceptron_pruning.evidence.judges import Criterion
from perceptron_pruning.figures.field.points import gain, origin, published_of, rows_of
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.field.sources import Trainings, axis, noisy_classes
from perceptron_pruning.figures.theory.curves import TEST_ERROR, column, draw_dots
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import KINDS, sequence
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from replica_theory.real_data.structured_mixed_risk import StructuredSource

NAME = "real_synthetic"
TITLE = "Real and synthetic examples in one training set (El Firdoussi et al. 2024)"
CAPTION = (
    "Four real examples per dimension, of classes N(±μ, 1), ‖μ‖ = 1, and synthetic ones beside, of which 30 % have a "
    "wrong label (square loss, λ = 0.1; test on real ones). A: test error against the number of synthetic examples, "
    "for a generator whose class means are right, or 60° off, its labels as they are or past a verifier that keeps "
    "right ones with chance 0.9 and wrong ones with 0.2. B: 16 synthetic examples per dimension, with a share p of "
    "wrong labels, against their weight in the risk. Lines: theory; crosses: by the published formulas; dots: "
    "simulation at N = {n_features}, {n_trials} trials, bars of 95 %. In the paper means and covariance of the "
    "generator are estimated; here its means are turned."
)
WHAT_TO_SEE = (
    "A: below the grey line synthetic examples help. Those of the good generator do once verified, raw ones only in "
    "large numbers; those of the bad generator do harm, verified or not, many of them more than few. B: the error is "
    "least at a weight between 0 and 1, and at a smaller one the more labels are wrong."
)
SECONDS = 25.0
RIDGE, REAL, WRONG = 0.1, 4.0, 0.3
KEPT = (0.9, 0.2)  # chances of the verifier: right labels, wrong ones
KINDS_OF: dict[str, tuple[float, bool, str]] = {
    "verified": (0.0, True, KINDS[3]),
    "raw": (0.0, False, KINDS[2]),
    "verified, 60° off": (60.0, True, KINDS[0]),
    "raw, 60° off": (60.0, False, KINDS[1]),
}
SIZES = np.geomspace(0.1, 30, 21).tolist()
DOT_SIZES = (1.0, 4.0, 16.0)
WEIGHTED = 16.0
WEIGHTS = np.round(np.geomspace(0.02, 5, 21), 6).tolist()
SHARES = (0.1, 0.3, 0.45)
DOT_WEIGHTS = (0.2, 1.0, 3.0)
BEST_WEIGHT, OF_SHARE = 0.2, 0.3  # the weight that is held against 0 and 1
_ABSTRACT = (
    'arXiv:2410.08942, abstract (of the full text its code alone was at hand): "Our findings identify conditions '
    "where synthetic data could improve performance, focusing on the quality of the generative model and verification "
    'strategy"'
)


def trainings(row: Row, n_features: int = 8, seed: int = 0) -> Trainings:
    """The training problem of a row."""
    angle, wrong = math.radians(row["generator_degrees"]), row["wrong_share"]
    right, false = KEPT if row["verified"] else (1.0, 1.0)
    kept = right * (1 - wrong) + false * wrong
    real = noisy_classes(axis(n_features, 1.0))
    fake = noisy_classes(axis(n_features, math.cos(angle), math.sin(angle)), wrong=false * wrong / kept)
    sources = [StructuredSource(REAL, real)]
    if row["alpha_total"]:
        sources.append(StructuredSource(row["alpha_total"] * kept, fake, weight=row["weight"]))
    return Trainings(sources, real, "square", RIDGE, seed)


def theory_of(row: Row) -> float:
    """Test error of a row's student."""
    return trainings(row).theory()


def _place(kind: str, name: str, alpha: float, wrong: float = WRONG, weight: float = 1.0) -> Row:
    degrees, verified, _ = KINDS_OF[name]
    place = {"kind": kind, "synthetic": name, "generator_degrees": degrees, "verified": int(verified)}
    return place | {"alpha_total": alpha, "wrong_share": wrong, "weight": weight}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points."""
    lines = [_place("theory", name, alpha) for name in KINDS_OF for alpha in SIZES]
    lines += [_place("weights", "raw", WEIGHTED, wrong, weight) for wrong in SHARES for weight in WEIGHTS]
    lines.append(_place("alone", "raw", 0.0))
    dots = [_place("simulation", "raw", 0.0)]
    dots += [_place("simulation", name, alpha) for name in KINDS_OF for alpha in DOT_SIZES]
    # of p = 0.3 and weight 1 there is one already
    weighted = [(wrong, weight) for wrong in SHARES for weight in DOT_WEIGHTS if (wrong, weight) != (WRONG, 1.0)]
    dots += [_place("simulation", "raw", WEIGHTED, wrong, weight) for wrong, weight in weighted]
    rows = (
        _published_rows()
        + [place | {"theory": theory_of(place)} for place in lines]
        + [
            trainings(place, settings.n_features, settings.seed + number).simulated(place, settings.n_trials)
            for number, place in enumerate(dots)
        ]
    )
    return rows


def _published_rows() -> list[Row]:
    """Published errors with ours."""
    kinds = {(degrees, verified): name for name, (degrees, verified, _) in KINDS_OF.items()}
    rows = []
    for row in published_of(NAME):
        name = kinds[row["generator_degrees"], row["right_kept"] < 1]
        place = _place("published", name, row["alpha_total"], row["wrong_share"])
        rows.append(place | {"theory": theory_of(place), "published": row["error"]})
    return rows


def claims(table: Sequence[Row]) -> list[Claim]:
    """Which synthetic examples help beside real ones."""
    return [
        _beside(table, "Verified examples of a good generator improve on real ones alone", "verified", 4.0, "below"),
        _beside(table, "Examples of a bad generator that nobody verifies do harm", "raw, 60° off", 16.0, "above"),
        _beside(table, "Verification alone does not make up for a bad generator", "verified, 60° off", 16.0, "above"),
        _weighted(table),
        _published(table),
    ]


def _dot(table: Sequence[Row], name: str, alpha: float, wrong: float = WRONG, weight: float = 1.0) -> Row:
    place = {"synthetic": name, "alpha_total": alpha, "wrong_share": wrong, "weight": weight}
    (row,) = rows_of(table, "simulation", **place)
    return row


def _beside(table: Sequence[Row], statement: str, name: str, alpha: float, criterion: Criterion) -> Claim:
    both, alone = _dot(table, name, alpha), _dot(table, "raw", 0.0)
    return Claim(
        statement=statement,
        paper=_ABSTRACT,
        setting=f"{alpha:g} synthetic examples per dimension beside {REAL:g}, {name}, p = {WRONG:g}, square loss, "
        f"λ = {RIDGE:g}; {origin(both)}",
        theory=f"ε = {both['theory']:.4f}, and {alone['theory']:.4f} with real ones alone",
        measurements=(gain("error less that with real ones alone", both, alone, criterion),),
        limited=True,
        figure=NAME,
    )


def _weighted(table: Sequence[Row]) -> Claim:
    some = _dot(table, "raw", WEIGHTED, OF_SHARE, BEST_WEIGHT)
    full, none = _dot(table, "raw", WEIGHTED, OF_SHARE), _dot(table, "raw", 0.0)
    return Claim(
        statement="Synthetic examples with wrong labels help more at a weight below 1 than at 1, or at 0",
        setting=f"p = {OF_SHARE:g}, {WEIGHTED:g} synthetic examples per dimension beside {REAL:g}, of weight "
        f"{BEST_WEIGHT:g}; square loss, λ = {RIDGE:g}; {origin(some)}",
        theory=f"ε = {some['theory']:.4f}; {none['theory']:.4f} without them, {full['theory']:.4f} at weight 1",
        measurements=(
            gain("error less that without them", some, none),
            gain("error less that at weight 1", some, full),
        ),
        limited=True,
        figure=NAME,
    )


def _published(table: Sequence[Row]) -> Claim:
    rows = rows_of(table, "published")
    raw, verified = (
        max(abs(row["theory"] - row["published"]) for row in rows if row["verified"] == one) for one in (0, 1)
    )
    return Claim(
        statement="The published accuracies with real and synthetic examples are ours where nothing is verified",
        paper=_ABSTRACT,
        setting=f"{len(rows)} values by the published formulas, at the settings of panel A",
        measurements=(
            Measurement(
                quantity="largest distance, nothing verified", effect=exact(raw), criterion="within", reference=1e-6
            ),
            Measurement(
                quantity="largest distance, verified", effect=exact(verified), criterion="above", reference=1e-4
            ),
        ),
        figure=NAME,
        tested_on=THEORY,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.4, height=3.8)
        (alone,) = rows_of(table, "alone")
        for name, (_, _, colour) in KINDS_OF.items():
            _draw(
                left, table, colour, name, "alpha_total", kind="theory", synthetic=name, weight=1.0, wrong_share=WRONG
            )
        for wrong, colour in zip(SHARES, sequence(len(SHARES)), strict=True):
            place = {"synthetic": "raw", "alpha_total": WEIGHTED, "wrong_share": wrong}
            _draw(right, table, colour, f"p = {wrong:g}", "weight", kind="weights", **place)
        for axes in (left, right):
            axes.axhline(alone["theory"], color="0.6", lw=1.6, label="real ones alone", zorder=0)
            axes.set(xscale="log", ylabel=TEST_ERROR)
            plain_ticks(axes)
        left.set(xlabel="synthetic examples per dimension, before verification", title="A  which help")
        left.set_ylim(0.16, 0.3)
        right.set(xlabel="weight of synthetic examples", title="B  how much they should weigh", ylim=(0.16, 0.4))
        left.legend(loc="upper left", ncols=2)
        right.legend(loc="upper left", ncols=2)
    return figure


def _draw(
    axes: Axes, table: Sequence[Row], colour: str, label: str, abscissa: str, *, kind: str, **place: float | str
) -> None:
    line = rows_of(table, kind, **place)
    axes.plot(column(line, abscissa), column(line, "theory"), color=colour, label=label)
    crosses = rows_of(table, "published", **place)
    axes.plot(column(crosses, abscissa), column(crosses, "published"), "x", color=colour, ms=4, mew=1)
    dots = [row for row in rows_of(table, "simulation", **place) if row["alpha_total"]]
    draw_dots(axes, dots, colour, abscissa=abscissa)
