"""Figure B5, beyond the paper: pruning and whether noisy examples can still be separated."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import KEEP_FRACTION, column
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_panels, outer_labels, share
from perceptron_pruning.output.palette import sequence
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import KeepEasiest, KeepHardest
from replica_theory.separability import separability_threshold

NAME = "B5"
TITLE = "Up to how many examples a student can fit all labels"
CAPTION = (
    "Kept examples per dimension up to which noisy labels are linearly separable, by kept fraction, for probes at 0° "
    "and 20° (theory). Pruning by the margin of a perfect probe raises the threshold, of easy examples most; a probe "
    "at 20° helps the hard ones less, or not at all. The dotted line is 2, of random labels."
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


def cells(settings: Settings) -> list[Cell]:
    """No simulated cells: theory alone."""
    return []


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Separability thresholds α over f, η and θ."""
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


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, len(RULES), width=8.6, height=3.5)
        share(panels[0], y=True)
        for axes, label in zip(panels[0], RULES, strict=True):
            for noise, colour in zip(NOISES, sequence(len(NOISES)), strict=True):
                for degrees, dashes in zip(DEGREES, ("-", "--"), strict=True):
                    key = label, noise, degrees
                    line = [
                        row for row in table if (row["rule"], row["label_noise"], row["probe_angle_degrees"]) == key
                    ]
                    text = f"{noise:.0%} wrong labels" if degrees == 0 else None
                    axes.plot(column(line, "keep_fraction"), column(line, "theory"), dashes, color=colour, label=text)
            axes.axhline(2.0, color="0.4", ls=":", lw=1)
            axes.set(
                xlabel=KEEP_FRACTION, ylabel=r"threshold, $\alpha_{\mathrm{prune}}$", title=f"keep {label} (theory)"
            )
        outer_labels(panels, x=False)
        axes = panels[0, 0]
        for dashes, text in (
            ("-", "line: perfect probe, θ = 0"),
            ("--", "dashed: θ = 20°"),
            (":", "dotted: random labels"),
        ):
            axes.plot([], [], dashes, color="0.25", label=text)
        axes.legend(loc="upper right", ncols=2)
        axes.set_ylim(1.8, 6.6)
    return figure
