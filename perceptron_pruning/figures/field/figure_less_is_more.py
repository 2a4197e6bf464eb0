"""Dohmatob et al. 2025 and Feng et al. 2024: when a curated part of a generator's labels beats all of them."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.evidence.judges import Criterion
from perceptron_pruning.figures.field.points import gain, origin, ratio, rows_of, simulated
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.theory.curves import ALPHA_TOTAL, column, draw_dots
from perceptron_pruning.output.layout import new_panels, outer_labels, share
from perceptron_pruning.output.palette import sequence
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.simulation import simulate
from replica_theory.choices.curation import curated_risk
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection, Verified

NAME = "less_is_more"
TITLE = "When less is more: curated labels of a generator (Dohmatob et al. 2025, Feng et al. 2024)"
CAPTION = (
    "A generator at an angle to the truth labels the pool, an oracle at 15° curates it, with errors that are "
    "independent, and the student (square loss, λ = 0.1) is tested on the truth: its error over that with the whole "
    "pool, by the size of the pool. A: the half that the oracle finds hardest; B: easiest; C: labels that the oracle "
    "shares. Lines: theory; dots: simulation at N = {n_features}, {n_trials} trials, bars of 95 %. The papers' "
    "oracles have other angles, and the fraction kept is theirs to choose; here it is one half."
)
WHAT_TO_SEE = (
    "Below the line at 1 less is more. A: the hard half is, when the generator is good (dark) and examples abound; "
    "B: the easy half is, when the generator is poor, or examples are scarce; C: the oracle's verification is, "
    "unless the generator is better than the oracle."
)
SECONDS = 20.0
LOSS, RIDGE, ORACLE = "square", 0.1, 15.0
GENERATORS = (5.0, 15.0, 30.0, 45.0)
ALPHAS = np.geomspace(1.0, 60.0, 25).tolist()
POLICIES: dict[str, tuple[Selection, str]] = {
    "all": (KeepRandom(), "the whole pool"),
    "hard": (KeepHardest(0.5), "A  the hard half"),
    "easy": (KeepEasiest(0.5), "B  the easy half"),
    "verified": (Verified(KeepRandom(), 1.0, 0.0), "C  labels the oracle shares"),
}
DOT_GENERATORS = (5.0, 30.0)
DOTS = (3.0, 10.0, 30.0)
_OF_CURATION = (
    'Dohmatob et al. 2025, abstract (the full text was not at hand): "under certain conditions, small curated '
    'datasets can outperform full datasets"'
)
_OF_VERIFIERS = (
    "Feng et al. 2024, in substance (only a summary was at hand): selection by a verifier that need not be perfect "
    "makes synthesised labels worth training on"
)
_REGIMES: tuple[tuple[str, str, str, float, float, Criterion], ...] = (
    ("With a good generator and abundant data the hard half beats all", _OF_CURATION, "hard", 5.0, 30.0, "below"),
    ("With a good generator and scarce data the hard half is worse than all", _OF_CURATION, "hard", 5.0, 3.0, "above"),
    ("With a poor generator the easy half beats all when data abound", _OF_CURATION, "easy", 30.0, 30.0, "below"),
    ("With a poor generator the hard half is worse than all", _OF_CURATION, "hard", 30.0, 10.0, "above"),
    (
        "Labels that an imperfect verifier shares beat all of a poor generator's",
        _OF_VERIFIERS,
        "verified",
        30.0,
        10.0,
        "below",
    ),
    ("A verifier worse than the generator makes its labels worse", "", "verified", 5.0, 30.0, "above"),
)


def mutual_angle(generator: float) -> float:
    """Angle between generator and oracle whose errors are independent, radians."""
    return math.acos(math.cos(math.radians(generator)) * math.cos(math.radians(ORACLE)))


def theory_of(row: Row) -> float:
    """Test error on the truth of a row's student."""
    return curated_risk(
        row["alpha_total"],
        loss=LOSS,
        ridge=RIDGE,
        selection=POLICIES[row["policy"]][0],
        generator_angle=math.radians(row["generator_degrees"]),
        oracle_angle=math.radians(ORACLE),
    ).generalization_error


def _place(kind: str, generator: float, policy: str, alpha: float) -> Row:
    fraction = POLICIES[policy][0].kept_distribution(mutual_angle(generator)).keep_fraction
    place = {"kind": kind, "generator_degrees": generator, "oracle_degrees": ORACLE, "policy": policy}
    return place | {"keep_fraction": fraction, "alpha_total": alpha}


def compute(settings: Settings) -> list[Row]:
    """Lines of theory and simulated points."""
    places = [_place("theory", *place) for place in _grid(GENERATORS, ALPHAS)]
    rows = [place | {"theory": theory_of(place)} for place in places]
    return rows + [_simulated(_place("simulation", *place), settings) for place in _grid(DOT_GENERATORS, DOTS)]


def _grid(generators: Sequence[float], alphas: Sequence[float]) -> list[tuple[float, str, float]]:
    return [(generator, policy, alpha) for generator in generators for policy in POLICIES for alpha in alphas]


def _simulated(place: Row, settings: Settings) -> Row:
    pools = simulate(
        place["keep_fraction"] * place["alpha_total"],
        selection=POLICIES[place["policy"]][0],
        probe_angle=mutual_angle(place["generator_degrees"]),
        student=EmpiricalRisk(LOSS, RIDGE),
        n_features=settings.n_features,
        n_trials=settings.n_trials,
        seed=settings.seed + list(POLICIES).index(place["policy"]),
    )
    truth = {"teacher_overlap": place["generator_degrees"], "probe_overlap": ORACLE}
    return simulated(place, pools, **{name: math.cos(math.radians(degrees)) for name, degrees in truth.items()})


def claims(table: Sequence[Row]) -> list[Claim]:
    """One for each regime: the curated part against all, at one generator and pool."""
    return [_claim(table, *regime) for regime in _REGIMES]


def _claim(
    table: Sequence[Row],
    statement: str,
    paper: str,
    policy: str,
    generator: float,
    alpha: float,
    criterion: Criterion,
) -> Claim:
    (part,), (everything,) = (
        rows_of(table, "simulation", policy=name, generator_degrees=generator, alpha_total=alpha)
        for name in (policy, "all")
    )
    return Claim(
        statement=statement,
        paper=paper,
        setting=f"generator at {generator:g}°, oracle at {ORACLE:g}°, α_total = {alpha:g}, square loss, "
        f"λ = {RIDGE:g}; {origin(part)}",
        theory=f"ε = {part['theory']:.4f}, and {everything['theory']:.4f} with all",
        measurements=(gain("error less that with all", part, everything, criterion),),
        limited=True,
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, 3, width=12.0, height=3.7)
        share(panels[0], y=True)
        for axes, (policy, (_, name)) in zip(panels[0], list(POLICIES.items())[1:], strict=True):
            _draw_ratios(axes, table, policy)
            axes.axhline(1.0, color="0.35", lw=0.9)
            axes.set(xscale="log", yscale="log", xlabel=ALPHA_TOTAL, ylabel="test error / whole pool's", title=name)
            axes.set_ylim(0.5, 2.2)
            plain_ticks(axes)
        outer_labels(panels, x=False)
        panels[0, 0].legend(loc="lower left", title="generator, off the truth", title_fontsize=7.5)
        for marks, text in (("-", "theory"), ("o", "simulation, 95 %")):
            panels[0, 1].plot([], [], marks, color="0.25", ms=3.4, label=text)
        panels[0, 1].legend(loc="lower left")
    return figure


def _draw_ratios(axes: Axes, table: Sequence[Row], policy: str) -> None:
    """Errors over those with the whole pool, theory and simulation."""
    for generator, colour in zip(GENERATORS, sequence(len(GENERATORS)), strict=True):
        for kind in ("theory", "simulation"):
            part, everything = (
                rows_of(table, kind, generator_degrees=generator, policy=name) for name in (policy, "all")
            )
            if kind == "theory":
                ratios = [a["theory"] / b["theory"] for a, b in zip(part, everything, strict=True)]
                axes.plot(column(part, "alpha_total"), ratios, color=colour, label=f"{generator:g}°")
            else:
                dots = [ratio(a, b, "alpha_total") for a, b in zip(part, everything, strict=True)]
                draw_dots(axes, dots, colour, abscissa="alpha_total")
