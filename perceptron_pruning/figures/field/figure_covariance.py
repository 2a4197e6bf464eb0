"""Rezaei et al. 2025: of synthetic examples beside real ones, the covariance matters and the mean does not."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.figures.field.points import error_of, gain, origin, rows_of
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.field.sources import Trainings
from perceptron_pruning.figures.theory.curves import TEST_ERROR, column, draw_dots
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import KINDS, sequence
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from replica_theory.real_data.structured_inputs import GaussianInputs, StructuredInputs
from replica_theory.real_data.structured_mixed_risk import StructuredSource

NAME = "covariance"
TITLE = "Of synthetic examples the covariance matters, the mean does not (Rezaei et al. 2025)"
CAPTION = (
    "Real examples of 200 dimensions with variances ∝ 1/i, and synthetic ones beside them, both labelled by one "
    "teacher (square loss, λ = 0.1; test on real ones). A: test error against the distance of the means of both, one "
    "synthetic and 0.3 real examples per dimension; along the teacher it makes labels unequal. B: against the "
    "exponent b of the synthetic variances ∝ i^−b (of the same mean), which is 1 for real ones; with as many examples "
    "per dimension, real + synthetic. Lines: theory; dots: simulation, twice {n_trials} trials, bars of 95 %. The "
    "paper is about regression without a ridge; here labels are signs."
)
WHAT_TO_SEE = (
    "A: flat, as long as the means differ across the teacher. B: few examples are best with nearly the right "
    "covariance; many, with a flatter one, which shows the student directions that real examples seldom do. A steeper "
    "one is bad."
)
SECONDS = 20.0
N_FEATURES, RIDGE = 200, 0.1
TEACHER = np.random.default_rng(4).standard_normal(N_FEATURES)
_ACROSS = np.random.default_rng(5).standard_normal(N_FEATURES)
_ACROSS -= TEACHER * (_ACROSS @ TEACHER) / (TEACHER @ TEACHER)
DIRECTIONS = {"across": _ACROSS / np.linalg.norm(_ACROSS), "along": TEACHER / np.linalg.norm(TEACHER)}
SETS = ((0.3, 1.0), (1.0, 1.0), (0.3, 3.0))  # real and synthetic examples per dimension
DISTANCES = np.linspace(0.0, 6.0, 13).tolist()
DOT_DISTANCES = (0.0, 3.0, 6.0)
EXPONENTS = np.round(np.linspace(-0.5, 3.0, 29), 4).tolist()
DOT_EXPONENTS = (0.0, 1.0, 2.0)
SAME = 0.004  # difference of errors that counts as none
_ABSTRACT = (
    'Rezaei et al. 2025, arXiv:2510.08123, abstract (the full text was not at hand): "for linear models, the '
    "covariance shift between the target distribution and the distribution of the synthetic data affects the "
    'generalization error but, surprisingly, the mean shift does not"'
)
_MATCHING = (
    'Rezaei et al. 2025, arXiv:2510.08123, abstract (the full text was not at hand): "in some settings, matching the '
    'covariance of the target distribution is optimal"'
)


@cache
def inputs_of(exponent: float, direction: str = "across", distance: float = 0.0) -> GaussianInputs:
    """The law of inputs with that spectrum and a mean so far from 0 in that direction."""
    mean = distance * DIRECTIONS[direction] if distance else None
    return StructuredInputs.gaussian(_variances(exponent), teacher=TEACHER, mean=mean)


def _variances(exponent: float) -> np.ndarray:
    variances = np.arange(1.0, N_FEATURES + 1) ** -exponent
    return variances / variances.mean()


def trainings(row: Row, seed: int = 0) -> Trainings:
    """The training problem of a row."""
    real = inputs_of(1.0)
    synthetic = inputs_of(row["exponent"], row["direction"], row["distance"])
    sources = [StructuredSource(row["alpha_real"], real), StructuredSource(row["alpha_synthetic"], synthetic)]
    return Trainings(sources, real, "square", RIDGE, seed)


def theory_of(row: Row) -> float:
    """Test error of a row's student, for N → ∞ at these spectra."""
    return trainings(row).theory()


def _place(kind: str, alphas: tuple[float, float], exponent: float, direction: str, distance: float) -> Row:
    place = {"kind": kind, "alpha_real": alphas[0], "alpha_synthetic": alphas[1], "exponent": exponent}
    return place | {"direction": direction, "distance": distance}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points."""
    lines = [_place("means", SETS[0], 1.0, direction, one) for direction in DIRECTIONS for one in DISTANCES]
    lines += [_place("theory", alphas, exponent, "across", 0.0) for alphas in SETS for exponent in EXPONENTS]
    dots = [_place("simulation", alphas, one, "across", 0.0) for alphas in SETS for one in DOT_EXPONENTS]
    dots += [_place("simulation", SETS[0], 1.0, name, one) for name in DIRECTIONS for one in DOT_DISTANCES[1:]]
    return [line | {"theory": theory_of(line)} for line in lines] + [
        trainings(dot, settings.seed + number).simulated(dot, 2 * settings.n_trials) for number, dot in enumerate(dots)
    ]


def claims(table: Sequence[Row]) -> list[Claim]:
    """What means and covariances do."""
    return [_means(table), _covariances(table), _matched(table), _flatter(table)]


def _dot(table: Sequence[Row], alphas: tuple[float, float], exponent: float, *mean: str | float) -> Row:
    direction, distance = mean or ("across", 0.0)
    place = {"alpha_real": alphas[0], "alpha_synthetic": alphas[1], "exponent": exponent}
    (row,) = rows_of(table, "simulation", **place, direction=direction, distance=distance)
    return row


def _setting(row: Row) -> str:
    return (
        f"{row['alpha_real']:g} real and {row['alpha_synthetic']:g} synthetic examples per dimension, square loss, "
        f"λ = {RIDGE:g}; {origin(row)}"
    )


def _means(table: Sequence[Row]) -> Claim:
    far, near = _dot(table, SETS[0], 1.0, "across", DOT_DISTANCES[-1]), _dot(table, SETS[0], 1.0)
    return Claim(
        statement="The mean of synthetic examples does not matter, as long as it leaves their labels alone",
        paper=_ABSTRACT,
        setting=f"means {DOT_DISTANCES[-1]:g} apart, across the teacher; " + _setting(far),
        theory=f"ε = {far['theory']:.4f}, and {near['theory']:.4f} with equal means",
        measurements=(
            Measurement(
                quantity="error less that with equal means",
                effect=error_of(far).minus(error_of(near)),
                criterion="within",
                reference=SAME,
                theory=far["theory"] - near["theory"],
            ),
        ),
        limited=True,
        figure=NAME,
    )


def _covariances(table: Sequence[Row]) -> Claim:
    steep, right = (_dot(table, SETS[0], exponent) for exponent in (2.0, 1.0))
    return Claim(
        statement="The covariance of synthetic examples matters: a steeper one than that of real ones does harm",
        paper=_ABSTRACT,
        setting="b = 2 against 1; " + _setting(steep),
        theory=f"ε = {steep['theory']:.4f}, and {right['theory']:.4f} with the covariance of real ones",
        measurements=(gain("error less that with the right covariance", steep, right, "above"),),
        limited=True,
        figure=NAME,
    )


def _matched(table: Sequence[Row]) -> Claim:
    flat, right, steep = (_dot(table, SETS[0], exponent) for exponent in DOT_EXPONENTS)
    return Claim(
        statement="With few examples a covariance near that of real ones is best",
        paper=_MATCHING,
        setting="variances ∝ i^−b, b = 1 against 0 and 2; " + _setting(right),
        theory=f"ε = {right['theory']:.4f}; {flat['theory']:.4f} for b = 0, {steep['theory']:.4f} for b = 2; least for "
        f"b = {_best(table, SETS[0])['exponent']:g}",
        measurements=(gain("error less that for b = 0", right, flat), gain("error less that for b = 2", right, steep)),
        limited=True,
        figure=NAME,
    )


def _best(table: Sequence[Row], alphas: tuple[float, float]) -> Row:
    line = rows_of(table, "theory", alpha_real=alphas[0], alpha_synthetic=alphas[1])
    return min(line, key=lambda row: row["theory"])


def _flatter(table: Sequence[Row]) -> Claim:
    flat, right = (_dot(table, SETS[2], exponent) for exponent in (0.0, 1.0))
    best = _best(table, SETS[2])
    return Claim(
        statement="With many synthetic examples the covariance of real ones is better than a flat one",
        paper=_MATCHING,
        setting="variances ∝ i^−b, b = 1 against 0; " + _setting(right),
        theory=f"ε = {right['theory']:.4f}; {best['theory']:.4f} for b = {best['exponent']:g}",
        measurements=(gain("error less that for b = 0", right, flat),),
        limited=True,
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.4, height=3.7)
        for direction, colour in zip(DIRECTIONS, (KINDS[3], KINDS[1]), strict=True):
            place = {"direction": direction, "exponent": 1.0, "alpha_real": SETS[0][0], "alpha_synthetic": SETS[0][1]}
            _draw(left, table, colour, f"{direction} the teacher", "distance", kind="means", **place)
        for alphas, colour in zip(SETS, sequence(len(SETS)), strict=True):
            place = {"alpha_real": alphas[0], "alpha_synthetic": alphas[1], "distance": 0.0}
            _draw(right, table, colour, f"{alphas[0]:g} + {alphas[1]:g}", "exponent", kind="theory", **place)
            best = _best(table, alphas)
            right.plot(best["exponent"], best["theory"], "v", mfc="white", color=colour, ms=6, zorder=5)
        left.set(xlabel="distance of the means, in standard deviations", ylabel=TEST_ERROR, title="A  the mean")
        right.axvline(1.0, color="0.6", lw=1.6, zorder=0, label="as real ones")
        right.plot([], [], "v", mfc="white", color="0.3", ms=6, label="the best")
        right.set(xlabel="exponent b of synthetic variances $i^{-b}$", ylabel=TEST_ERROR, title="B  the covariance")
        left.legend(loc="upper left")
        right.legend(loc="upper left", ncols=2)
        right.set_ylim(0.1, 0.3)
    return figure


def _draw(
    axes: Axes, table: Sequence[Row], colour: str, label: str, abscissa: str, *, kind: str, **place: float | str
) -> None:
    line = rows_of(table, kind, **place)
    axes.plot(column(line, abscissa), column(line, "theory"), color=colour, label=label)
    draw_dots(axes, rows_of(table, "simulation", **place), colour, abscissa=abscissa)
