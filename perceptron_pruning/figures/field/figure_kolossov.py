"""Kolossov, Montanari & Tandon 2023: selection by a surrogate, their published theory, ours, and simulation."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import brentq

from perceptron_pruning.evidence.claim import THEORY, Claim, Measurement
from perceptron_pruning.evidence.effect import exact
from perceptron_pruning.figures.field.points import agreement_of, gain, origin, rows_of, simulated
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.theory.curves import KEEP_FRACTION, column, draw_dots
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import KINDS
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.simulation import simulate
from replica_theory.empirical_risk import empirical_risk
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import KeepRandom, KeepWithProbability
from replica_theory.selection.label_noise import FlipWithProbability

NAME = "kolossov"
TITLE = "Selection by a surrogate: published theory, ours, and simulation (Kolossov et al. 2023)"
CAPTION = (
    "Test error (on labels of which 5 % are wrong) against the kept share f; of the surrogate's field z an example is "
    "kept with the chance min(1, c h(s z)^a), h(t) = 1/(2 + 2 cosh t): a > 0 prefers the hard, a < 0 the easy, a = 0 "
    "is random (logistic loss). A: the surrogate is the truth, 2.29 examples per dimension; B: it is 19° off, 36.9 "
    "per dimension. Lines: our theory; crosses: the published one; dots: simulation, N = {n_features}, {n_trials} "
    "trials, bars of 95 %. C: distance of all 495 published values from ours. Settings as published, but for the "
    "sizes of the simulation."
)
WHAT_TO_SEE = (
    "A and B: for a > 0 the lines fall below their right end, the error of training on everything, which random "
    "keeping never does. C: crosses lie on lines within 0.005 (line), but for the least shares; there the dots of A "
    "and B are on our side."
)
SECONDS = 90.0
PUBLISHED = Path(__file__).parent / "kolossov2023_theory.csv"
EXPONENTS = {1.0: KINDS[0], 0.5: KINDS[1], 0.0: "0.45", -0.5: KINDS[3], -1.0: KINDS[4]}
SHARES = (0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
FLIPS = 0.05
RIDGE = "0.001"  # of the panels, in the table's units
PANELS = {"A": ("2d", "truth as surrogate"), "B": ("3d", "surrogate 19° off")}
BEST = {"A": (1.0, 0.8), "B": (1.0, 0.7)}  # exponent and share that beat everything
FARTHEST = {"A": (-0.5, 0.05), "B": (1.0, 0.1)}  # where the published theory is farthest off in a panel
DOTS = ((1.0, 0.2), (1.0, 0.5), (0.0, 0.1), (0.0, 0.3), (0.0, 0.6), (-1.0, 0.1), (-1.0, 0.3), (-1.0, 0.6))
LEAST, AGREEMENT = 0.2, 0.005  # share from which on the two theories agree to that
_FIELDS = np.linspace(-9.0, 9.0, 20_001)  # over which a rule's share is set
_SUBSTANCE = "Abstract (the full text was not at hand)"


@dataclass(frozen=True)
class SurrogateChance:
    """q(z) = min(1, c h(s z)^a), h(t) = 1/(2 + 2 cosh t).

    Attributes:
        steepness: s, norm of the surrogate.
        exponent: a.
        log_scale: ln c.
    """

    steepness: float
    exponent: float
    log_scale: float

    def __call__(self, field: np.ndarray, label: np.ndarray) -> np.ndarray:
        """The chance at a field, whatever the label."""
        hardness = np.log(2 + 2 * np.cosh(self.steepness * field))
        return np.minimum(1.0, np.exp(self.log_scale - self.exponent * hardness))


@cache
def surrogate_rule(steepness: float, exponent: float, share: float) -> KeepWithProbability | KeepRandom:
    """The rule with c such that E q is the share."""
    if exponent == 0 or share == 1:
        return KeepRandom(share)
    weight = np.exp(-0.5 * _FIELDS**2) * (_FIELDS[1] - _FIELDS[0]) / math.sqrt(2 * math.pi)

    def excess(log_scale: float) -> float:
        return float(weight @ SurrogateChance(steepness, exponent, log_scale)(_FIELDS, _FIELDS)) - share

    log_scale = cast(float, brentq(excess, -60.0, 60.0, xtol=1e-12))
    return KeepWithProbability(SurrogateChance(steepness, exponent, log_scale))


def sure_and_wrong(distance: np.ndarray) -> np.ndarray:
    """Chance of a wrong label that is greater where the truth, of norm 5, is sure."""
    return np.where(5.0 * distance < 0.5, FLIPS, 0.3)


def theory_of(row: Row) -> float:
    """Error on noisy labels of a row's student."""
    return empirical_risk(
        row["keep_fraction"] * row["alpha_total"],
        loss="logistic",
        ridge=row["ridge"],
        selection=surrogate_rule(row["steepness"], row["exponent"], row["keep_fraction"]),
        probe_angle=math.radians(row["probe_angle_degrees"]),
        label_noise=FLIPS if row["labels"] == "constant" else FlipWithProbability(sure_and_wrong, (0.1,)),
    ).noisy_test_error


def compute(settings: Settings) -> list[Row]:
    """Every published value with ours, lines of ours for the panels, and simulated points."""
    published = [_read(row) for row in csv.DictReader(PUBLISHED.read_text(encoding="utf-8").splitlines())]
    rows = [row | {"theory": theory_of(row)} for row in published]
    for panel in PANELS:
        places = [_place(published, panel, exponent, share) for exponent in EXPONENTS for share in SHARES]
        rows += [place | {"kind": "theory", "theory": theory_of(place)} for place in places]
        dots = dict.fromkeys((*DOTS, BEST[panel], FARTHEST[panel], (0.0, 1.0)))
        rows += [_simulated(_place(published, panel, *dot), settings, dot == FARTHEST[panel]) for dot in dots]
    return rows


def _read(row: dict[str, str]) -> Row:
    """A published value in our terms: α of the pool, angle between surrogate and truth, ridge per dimension."""
    pool, steepness, angle = int(row["n_examples"]) / int(row["n_features"]), float(row["theta_norm"]), 0.0
    if row["setting"] == "3d":
        along, across = float(row["beta_0"]), float(row["beta_perp"])
        steepness, angle = math.hypot(along, across), math.atan2(across, along)
    labels = {"misspec": "constant", "misspec2": "sure and wrong"}[row["labels"]]
    panels = {setting: name for name, (setting, _) in PANELS.items()}
    return {
        "kind": "published",
        "panel": panels[row["setting"]] if (labels, row["ridge"]) == ("constant", RIDGE) else "",
        "labels": labels,
        "alpha_total": pool,
        "steepness": steepness,
        "probe_angle_degrees": math.degrees(angle),
        "ridge": float(row["ridge"]) * pool,
        "exponent": float(row["exponent"]),
        "keep_fraction": int(row["kept_percent"]) / 100,
        "published": float(row["misclassification_error"]),
    }


def _place(published: Sequence[Row], panel: str, exponent: float, share: float) -> Row:
    """Columns of a point of a panel; what was published there, if anything."""
    of_panel = [row for row in published if row["panel"] == panel]
    same = [row for row in of_panel if (row["exponent"], row["keep_fraction"]) == (exponent, share)]
    place = same[0] if same else of_panel[0] | {"published": None}
    return place | {"exponent": exponent, "keep_fraction": share}


def _simulated(place: Row, settings: Settings, closely: bool) -> Row:
    """Simulated students there; four times as many where two theories are to be told apart."""
    pools = simulate(
        place["keep_fraction"] * place["alpha_total"],
        selection=surrogate_rule(place["steepness"], place["exponent"], place["keep_fraction"]),
        probe_angle=math.radians(place["probe_angle_degrees"]),
        label_noise=FLIPS,
        student=EmpiricalRisk("logistic", place["ridge"]),
        n_features=settings.n_features,
        n_trials=settings.n_trials * (4 if closely else 1),
        seed=settings.seed,
    )
    return simulated(place, pools, flips=FLIPS)


def _dot(table: Sequence[Row], panel: str, exponent: float, share: float) -> Row:
    (row,) = rows_of(table, "simulation", panel=panel, exponent=exponent, keep_fraction=share)
    return row


def claims(table: Sequence[Row]) -> list[Claim]:
    """What holds of the paper's statements, and of its published numbers."""
    return [_beats_everything(table, panel) for panel in PANELS] + [
        _theories_agree(table),
        *(_simulation_sides(table, panel) for panel in PANELS),
    ]


def _beats_everything(table: Sequence[Row], panel: str) -> Claim:
    best, everything = _dot(table, panel, *BEST[panel]), _dot(table, panel, 0.0, 1.0)
    exponent, share = BEST[panel]
    return Claim(
        statement="Selection by a surrogate's uncertainty can beat training on the full sample",
        paper=f'{_SUBSTANCE}: "Data selection can be very effective, in particular beating training on the full '
        'sample in some cases"',
        setting=f"{PANELS[panel][1]}, α_total = {best['alpha_total']:.3g}, a = {exponent:g}; logistic loss, 5 % wrong "
        f"labels; {origin(best)}",
        theory=f"ε = {best['theory']:.4f} with f = {share:g}, and {everything['theory']:.4f} with everything",
        measurements=(gain(f"error with f = {share:g} less that with everything", best, everything),),
        limited=True,
        figure=NAME,
    )


def _theories_agree(table: Sequence[Row]) -> Claim:
    rows = rows_of(table, "published")
    many = max(abs(row["theory"] - row["published"]) for row in rows if row["keep_fraction"] >= LEAST)
    few = max(abs(row["theory"] - row["published"]) for row in rows if row["keep_fraction"] < LEAST)
    return Claim(
        statement="The published theory values are ours within 0.005, but for the least kept shares",
        setting=f"{len(rows)} values published with the paper: 5 exponents, 11 shares, 3 ridges, 3 laws of surrogate "
        "and labels",
        measurements=(
            Measurement(
                quantity=f"largest distance where f ≥ {LEAST:g}",
                effect=exact(many),
                criterion="within",
                reference=AGREEMENT,
            ),
            Measurement(
                quantity=f"largest distance where f < {LEAST:g}",
                effect=exact(few),
                criterion="above",
                reference=AGREEMENT,
            ),
        ),
        note=f"median distance {np.median([abs(row['theory'] - row['published']) for row in rows]):.1e}",
        figure=NAME,
        tested_on=THEORY,
    )


def _simulation_sides(table: Sequence[Row], panel: str) -> Claim:
    row = _dot(table, panel, *FARTHEST[panel])
    exponent, share = FARTHEST[panel]
    published = row["published"] - row["theory"]
    away = agreement_of(row, "simulated error")
    return Claim(
        statement="Where the published values are farthest off, simulation sides with our theory",
        setting=f"{PANELS[panel][1]}, f = {share:g}, a = {exponent:g}, published {row['published']:.4f}; {origin(row)}",
        theory=f"ε = {row['theory']:.4f}, and {row['finite_size']:+.4f} at this N",
        measurements=(
            away,
            Measurement(
                quantity="simulated error less the published one",
                effect=away.effect.minus(exact(row["published"] + row["finite_size"])),
                criterion="below" if published > 0 else "above",
                theory=-published,
            ),
        ),
        asserted=True,
        figure=NAME,
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, middle, right),) = new_panels(1, 3, width=12.4, height=3.7)
        for axes, (panel, (_, name)) in zip((left, middle), PANELS.items(), strict=True):
            _draw_panel(axes, table, panel)
            axes.set(title=f"{panel}  {name}", xlabel=KEEP_FRACTION)
        left.set(ylabel="test error, noisy labels")
        left.legend(loc="upper right", title="exponent $a$, from hard to easy", title_fontsize=7.5)
        for marks, text in (("-", "our theory"), ("x", "published"), ("o", "simulation, 95 %")):
            middle.plot([], [], marks, color="0.25", ms=4, label=text)
        middle.legend(loc="upper right")
        _draw_distances(right, rows_of(table, "published"))
    return figure


def _draw_panel(axes: Axes, table: Sequence[Row], panel: str) -> None:
    for exponent, colour in EXPONENTS.items():
        line, crosses, dots = (
            rows_of(table, kind, panel=panel, exponent=exponent) for kind in ("theory", "published", "simulation")
        )
        axes.plot(
            column(line, "keep_fraction"),
            column(line, "theory"),
            color=colour,
            label=f"{exponent:g}",
        )
        axes.plot(column(crosses, "keep_fraction"), column(crosses, "published"), "x", color=colour, ms=4, mew=1)
        draw_dots(axes, dots, colour, abscissa="keep_fraction")
    (everything,) = rows_of(table, "theory", panel=panel, exponent=0.0, keep_fraction=1.0)
    axes.axhline(everything["theory"], color="0.35", lw=0.9, ls=":")


def _draw_distances(axes: Axes, rows: Sequence[Row]) -> None:
    for exponent, colour in EXPONENTS.items():
        of_exponent = [row for row in rows if row["exponent"] == exponent]
        away = [abs(row["theory"] - row["published"]) for row in of_exponent]
        axes.plot(column(of_exponent, "keep_fraction"), away, "x", color=colour, ms=3.5, mew=0.9)
    axes.axhline(AGREEMENT, color="0.35", lw=0.9)
    axes.set(yscale="log", xlabel=KEEP_FRACTION, title="C  |published − ours|, 495 values", ylim=(1e-6, 0.05))
