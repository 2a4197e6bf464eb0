"""Figure B5, beyond the paper: pruning and whether noisy examples can still be separated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import KEEP_FRACTION, column, draw_dots
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_panels, outer_labels, share
from perceptron_pruning.output.palette import sequence
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.sampling import pruned_data
from perceptron_pruning.students.errors import InfeasibleError
from perceptron_pruning.students.max_margin.fit import fit_max_margin
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import KeepEasiest, KeepHardest, Selection
from replica_theory.separability import separability_threshold

NAME = "B5"
TITLE = "Up to how many examples a student can fit all labels"
CAPTION = (
    "Kept examples per dimension up to which noisy labels are linearly separable, by kept fraction, for probes at 0° "
    "and 20° (lines: theory). Pruning by the margin of a perfect probe raises the threshold, of easy examples most; a "
    "probe at 20° helps the hard ones less, or not at all. The dotted line is 2, of random labels. Dots (10 % wrong "
    "labels): mean number of examples, drawn one by one from what is kept, that a student of N = {n_features} can "
    "still classify, bars of 95 %."
)
WHAT_TO_SEE = (
    "How far the lines rise above their right ends, where nothing is pruned: so many more noisy examples can "
    "still be fitted without an error. Easy examples (right) gain most; with a probe at 20° (dashed) the hard "
    "ones gain nothing."
)
RULES = {"hard": KeepHardest, "easy": KeepEasiest}
DEGREES = (0.0, 20.0)
NOISES = (0.05, 0.1, 0.2)
FRACTIONS = np.append(np.linspace(0.05, 0.95, 19), 1.0)


DOT_NOISE = 0.1  # of the simulated pools
DOTS = {"quick": (0.3, 0.7), "full": (0.2, 0.4, 0.6, 0.8)}  # kept fractions of theirs
TRIALS = {"quick": 8, "full": 24}
_ROOM = 1.5  # examples of a pool, of those that theory says can be classified


def cells(settings: Settings) -> list[Cell]:
    """None of `simulate`: pools here are asked for their largest separable part."""
    return []


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Separability thresholds α over f, η and θ, and those of simulated pools."""
    return _theory() + [
        _simulated(label, degrees, fraction, settings)
        for label in RULES
        for degrees in DEGREES
        for fraction in DOTS[settings.scale]
    ]


def _theory() -> list[Row]:
    return [
        {
            "kind": "theory",
            "rule": label,
            "keep_fraction": float(fraction),
            "probe_angle_degrees": degrees,
            "label_noise": noise,
            "theory": separability_threshold(
                selection=rule(float(fraction)), probe_angle=math.radians(degrees), label_noise=noise
            ),
        }
        for label, rule in RULES.items()
        for degrees in DEGREES
        for noise in NOISES
        for fraction in FRACTIONS
    ]


def _simulated(label: str, degrees: float, fraction: float, settings: Settings) -> Row:
    pools = _Pools(RULES[label](fraction), math.radians(degrees), settings.n_features, settings.seed)
    limits = np.array(on_all_cores(pools.largest_separable, range(TRIALS[settings.scale]))) / settings.n_features
    theory = separability_threshold(selection=pools.selection, probe_angle=pools.probe_angle, label_noise=DOT_NOISE)
    error = float(limits.std(ddof=1)) / math.sqrt(limits.size)
    return {
        "kind": "simulation",
        "rule": label,
        "keep_fraction": fraction,
        "probe_angle_degrees": degrees,
        "label_noise": DOT_NOISE,
        "theory": theory,
        "simulation": float(limits.mean()),
        "standard_error": error,
        "z_score": (float(limits.mean()) - theory) / error,
        "n_features": settings.n_features,
        "n_trials": limits.size,
    }


@dataclass(frozen=True)
class _Pools:
    """Pools of noisy labels that one rule has pruned."""

    selection: Selection
    probe_angle: float
    n_features: int
    seed: int

    def largest_separable(self, trial: int) -> int:
        """How many kept examples, in random order, a student can classify without an error."""
        setting = {"selection": self.selection, "probe_angle": self.probe_angle, "label_noise": DOT_NOISE}
        kept = round(_ROOM * separability_threshold(**setting) * self.n_features) + 4 * math.isqrt(self.n_features)
        data = pruned_data(
            self.selection,
            probe_angle=self.probe_angle,
            n_kept=kept,
            n_features=self.n_features,
            seed=self.seed,
            trial=trial,
            label_noise=DOT_NOISE,
        )
        order = np.random.default_rng([self.seed, trial, kept]).permutation(kept)
        inputs, labels = data.inputs[order], data.labels[order]
        separable, not_separable = self.n_features, kept + 1
        while not_separable - separable > 1:
            middle = (separable + not_separable) // 2
            if _is_separable(inputs[:middle], labels[:middle]):
                separable = middle
            else:
                not_separable = middle
        return separable


def _is_separable(inputs: np.ndarray, labels: np.ndarray) -> bool:
    try:
        fit_max_margin(inputs, labels)
    except InfeasibleError:
        return False
    return True


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, len(RULES), width=8.6, height=3.5)
        share(panels[0], y=True)
        for axes, label in zip(panels[0], RULES, strict=True):
            for noise, colour in zip(NOISES, sequence(len(NOISES)), strict=True):
                for degrees, dashes in zip(DEGREES, ("-", "--"), strict=True):
                    key = label, noise, degrees
                    line, dots = (_rows_of(table, kind, key) for kind in ("theory", "simulation"))
                    text = f"{noise:.0%} wrong labels" if degrees == 0 else None
                    axes.plot(column(line, "keep_fraction"), column(line, "theory"), dashes, color=colour, label=text)
                    filled = {"mfc": colour if degrees == 0 else "white"}
                    draw_dots(axes, dots, colour, abscissa="keep_fraction", **filled)
            axes.axhline(2.0, color="0.4", ls=":", lw=1)
            axes.set(xlabel=KEEP_FRACTION, ylabel=r"threshold, $\alpha_{\mathrm{prune}}$", title=f"keep {label}")
        outer_labels(panels, x=False)
        axes = panels[0, 0]
        for dashes, text in (
            ("-", "line: perfect probe, θ = 0"),
            ("--", "dashed: θ = 20°"),
            (":", "dotted: random labels"),
            ("o", "dots: simulation, 95 %"),
        ):
            axes.plot([], [], dashes, color="0.25", ms=3.4, label=text)
        axes.legend(loc="upper right", ncols=2)
        axes.set_ylim(1.8, 6.6)
    return figure


def _rows_of(table: Sequence[Row], kind: str, key: tuple[str, float, float]) -> list[Row]:
    """Rows of one kind, rule, noise and angle."""
    names = ("rule", "label_noise", "probe_angle_degrees")
    return [row for row in table if row["kind"] == kind and tuple(row[name] for name in names) == key]
