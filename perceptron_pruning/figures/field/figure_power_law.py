"""Zhang & Du 2025: whether pruning changes the exponent with which error falls where a spectrum is a power law."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.figures.field.points import origin, rows_of
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.field.sources import BIAS
from perceptron_pruning.figures.theory.curves import RULES, TEST_ERROR, column, draw_dots
from perceptron_pruning.output.layout import new_panels, outer_labels
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.students.training import train
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.real_data.structured_inputs import GaussianInputs, StructuredInputs
from replica_theory.real_data.structured_risk import structured_risk
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection

NAME = "power_law"
TITLE = "Whether pruning changes a power law's exponent (Zhang & Du 2025)"
CAPTION = (
    "Inputs of 1000 dimensions with variances i^−b, labels of a teacher with no preferred direction, a probe that is "
    "the teacher, f = 0.4 (logistic loss, λ = 0.001). Above: test error against kept examples; below: the local "
    "exponent, d ln ε/d ln P. Lines: theory; dots: simulation, 20 (quick) or 60 (full) trials, bars of 95 %. The "
    "paper's exponent is that of the spectrum's tail, under any reweighting that is fixed; here it is what follows of "
    "it for the error of a classifier."
)
WHAT_TO_SEE = (
    "Below: the hard examples' exponent (blue) is larger at first, and comes back to that of random ones (grey): soon "
    "for a steep spectrum (right), not within this range for a flat one (left). The easy ones' (orange) is smaller "
    "and stays so."
)
SECONDS = 90.0
N_FEATURES, RIDGE, FRACTION = 1000, 1e-3, 0.4
SPECTRA = (1.25, 1.5, 2.0)
SIZES = tuple(round(20 * 2 ** (step / 2)) for step in range(11))  # P, 20 to 640
DOTS = (20, 80, 160, 640)
POLICIES: dict[str, Selection] = {
    "hard": KeepHardest(FRACTION),
    "easy": KeepEasiest(FRACTION),
    "random": KeepRandom(FRACTION),
}
TEACHER = np.random.default_rng(3).standard_normal(N_FEATURES)
TRIALS = {"quick": 20, "full": 60}
SAME = 0.1  # difference of exponents that counts as none
_ABSTRACT = (
    'Zhang & Du 2025, arXiv:2512.02409, abstract (the full text was not at hand): "static pruning induces a bounded '
    "operator and therefore cannot change the spectral tail exponent; it provides at most finite-region improvements "
    'and cannot alter asymptotic neural scaling"'
)


@cache
def inputs_of(exponent: float) -> GaussianInputs:
    """The law of inputs with that spectrum, whose teacher is a draw without a preferred direction."""
    return StructuredInputs.power_law(N_FEATURES, exponent, teacher=TEACHER, probe=TEACHER)


def theory_of(row: Row, finite_size: bool = False) -> float:
    """Test error of a row's student, for N → ∞ at that spectrum, or with terms of 1/N."""
    return structured_risk(
        row["n_kept"] / N_FEATURES,
        inputs=inputs_of(row["spectrum"]),
        selection=POLICIES[row["policy"]],
        loss="logistic",
        ridge=RIDGE,
        finite_size=finite_size,
    ).generalization_error


def _place(kind: str, spectrum: float, policy: str, n_kept: int) -> Row:
    return {"kind": kind, "spectrum": spectrum, "policy": policy, "keep_fraction": FRACTION, "n_kept": n_kept}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points."""
    places = [_place("theory", *place) for place in _grid(SIZES)]
    rows = [place | {"theory": theory_of(place)} for place in places]
    return rows + [_simulated(_place("simulation", *place), settings) for place in _grid(DOTS)]


def _grid(sizes: Sequence[int]) -> list[tuple[float, str, int]]:
    return [(spectrum, policy, size) for spectrum in SPECTRA for policy in POLICIES for size in sizes]


@dataclass(frozen=True)
class _Pools:
    """Pools of one spectrum that one rule has pruned.

    Attributes:
        spectrum: b.
        policy: Name of the rule.
        n_kept: P.
        seed: Of all trials.
    """

    spectrum: float
    policy: str
    n_kept: int
    seed: int

    def error(self, trial: int) -> float:
        """Test error of one student, exact given its weights."""
        law = inputs_of(self.spectrum)
        scale = np.sqrt(law.covariances[0].diagonal())
        rng = np.random.default_rng([self.seed, round(100 * self.spectrum), self.n_kept, trial])
        with one_blas_thread():
            pool = scale * rng.standard_normal((round(self.n_kept / FRACTION), N_FEATURES))
            field = pool @ TEACHER
            labels = np.sign(field)
            kept = POLICIES[self.policy].choose(field, labels, count=self.n_kept, rng=rng)
            student = train(EmpiricalRisk("logistic", RIDGE), pool[kept], labels[kept], TEACHER).weights
        first, second = scale * student, scale * TEACHER
        return math.acos(float(first @ second / math.sqrt((first @ first) * (second @ second)))) / math.pi


def _simulated(place: Row, settings: Settings) -> Row:
    """Errors of simulated students beside the theory's, with its terms of 1/N.

    What those terms leave out is 0.3 ε/N for inputs of N like directions (`sources.BIAS`, measured elsewhere). Of a
    power law, P examples resolve about P^(1/b) directions, which take the place of N: a scale, not a derivation.
    """
    pools = _Pools(place["spectrum"], place["policy"], place["n_kept"], settings.seed)
    errors = np.array(on_all_cores(pools.error, range(TRIALS[settings.scale])))
    limit, mean, spread = theory_of(place), float(errors.mean()), float(errors.std(ddof=1)) / math.sqrt(errors.size)
    shift = theory_of(place, finite_size=True) - limit
    next_order = math.hypot(2 * shift**2 / limit, BIAS * limit / place["n_kept"] ** (1 / place["spectrum"]))
    return place | {
        "theory": limit,
        "simulation": mean,
        "standard_error": spread,
        "finite_size": shift,
        "finite_size_error": next_order,
        "z_score": (mean - limit - shift) / math.hypot(spread, next_order),
        "n_features": N_FEATURES,
        "n_trials": errors.size,
        "seed": settings.seed,
    }


def claims(table: Sequence[Row]) -> list[Claim]:
    """For each spectrum, what becomes of the exponent when the hard, or the easy, are kept."""
    return [claim(table, spectrum) for claim in (_same, _closes, _easy) for spectrum in SPECTRA]


def _exponent(table: Sequence[Row], spectrum: float, policy: str, span: tuple[int, int]) -> tuple[Effect, float]:
    """Exponent of the error between two sizes, simulated and by theory in as many dimensions."""
    first, last = (rows_of(table, "simulation", spectrum=spectrum, policy=policy, n_kept=size)[0] for size in span)
    octaves = math.log(span[1] / span[0])
    theory = math.log((last["theory"] + last["finite_size"]) / (first["theory"] + first["finite_size"])) / octaves
    relative = math.hypot(*(row["standard_error"] / row["simulation"] for row in (first, last)))
    return Effect(
        value=math.log(last["simulation"] / first["simulation"]) / octaves, standard_error=relative / octaves
    ), theory


def _gap(table: Sequence[Row], spectrum: float, policy: str, span: tuple[int, int]) -> tuple[Effect, float]:
    """Exponent of a rule less that of random keeping."""
    (rule, theory), (chance, of_chance) = (_exponent(table, spectrum, name, span) for name in (policy, "random"))
    return rule.minus(chance), theory - of_chance


EARLY, LATE = DOTS[:2], DOTS[2:]


def _setting(table: Sequence[Row], spectrum: float) -> str:
    row = rows_of(table, "simulation", spectrum=spectrum)[0]
    return f"b = {spectrum:g}, f = {FRACTION:g}, θ = 0, logistic loss, λ = {RIDGE:g}; {origin(row)}"


def _same(table: Sequence[Row], spectrum: float) -> Claim:
    gap, theory = _gap(table, spectrum, "hard", LATE)
    return Claim(
        statement="Keeping the hard leaves the error's exponent under a power-law spectrum as it is",
        paper=_ABSTRACT,
        setting=_setting(table, spectrum),
        theory=f"{theory:+.3f} from P = {LATE[0]} to {LATE[1]}",
        measurements=(
            Measurement(
                quantity=f"exponent less random keeping's, P = {LATE[0]} to {LATE[1]}",
                effect=gap,
                criterion="within",
                reference=SAME,
                theory=theory,
            ),
        ),
        limited=True,
        figure=NAME,
    )


def _closes(table: Sequence[Row], spectrum: float) -> Claim:
    (early, before), (late, after) = (_gap(table, spectrum, "hard", span) for span in (EARLY, LATE))
    return Claim(
        statement="The hard examples' gain in the exponent passes as data grow",
        paper=_ABSTRACT,
        setting=_setting(table, spectrum),
        theory=f"the gain goes from {-before:.3f} to {-after:.3f}",
        measurements=(
            Measurement(
                quantity=f"gain in the exponent, P = {EARLY[0]} to {EARLY[1]}, less that of P = {LATE[0]} to {LATE[1]}",
                effect=late.minus(early),
                criterion="above",
                theory=after - before,
            ),
        ),
        limited=True,
        figure=NAME,
    )


def _easy(table: Sequence[Row], spectrum: float) -> Claim:
    gap, theory = _gap(table, spectrum, "easy", LATE)
    return Claim(
        statement="Keeping the easy makes the error fall with a smaller exponent",
        setting=_setting(table, spectrum),
        theory=f"{theory:+.3f} from P = {LATE[0]} to {LATE[1]}",
        measurements=(
            Measurement(
                quantity=f"exponent less random keeping's, P = {LATE[0]} to {LATE[1]}",
                effect=gap,
                criterion="above",
                theory=theory,
            ),
        ),
        limited=True,
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: errors above, their local exponents below."""
    with styled():
        figure, panels = new_panels(2, len(SPECTRA), width=11.4, height=6.2)
        for (errors, slopes), spectrum in zip(panels.T, SPECTRA, strict=True):
            for policy, (colour, marker) in RULES.items():
                line, dots = (
                    rows_of(table, kind, spectrum=spectrum, policy=policy) for kind in ("theory", "simulation")
                )
                errors.plot(column(line, "n_kept"), column(line, "theory"), color=colour, label=f"keep {policy}")
                draw_dots(errors, dots, colour, abscissa="n_kept", fmt=marker)
                _draw_exponents(slopes, line, colour)
            errors.set(xscale="log", yscale="log", title=f"variances $i^{{-{spectrum:g}}}$", ylabel=TEST_ERROR)
            errors.set_ylim(0.012, 0.33)
            slopes.set(xscale="log", xlabel="kept examples, P", ylabel="local exponent", ylim=(-0.62, 0.02))
            for axes in (errors, slopes):
                axes.set_xlim(18, 720)
                plain_ticks(axes)
        outer_labels(panels)
        name_marks(panels[0, 0])
        panels[0, 0].legend(loc="lower left")
    return figure


def _draw_exponents(axes: Axes, line: Sequence[Row], colour: str) -> None:
    """Local exponents between neighbours on a line."""
    middles = [math.sqrt(a["n_kept"] * b["n_kept"]) for a, b in pairwise(line)]
    steps = [math.log(b["theory"] / a["theory"]) / math.log(b["n_kept"] / a["n_kept"]) for a, b in pairwise(line)]
    axes.plot(middles, steps, color=colour)
