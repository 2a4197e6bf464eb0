"""Colours of the three rules, and lines of the theories measured on data, in every picture of two classes."""

from matplotlib.axes import Axes

from perceptron_pruning.output.style import COLOURS

RULE_COLOURS = {"hard": COLOURS[0], "easy": COLOURS[1], "random": "0.45"}
STYLES = {"isotropic": ":", "plane": "--", "whole_law": "-"}


def name_rules(axes: Axes) -> None:
    """Entries of the rules for a legend: dots in their colours."""
    for rule, colour in RULE_COLOURS.items():
        axes.plot([], [], "o", ms=3.5, color=colour, label=f"keep {rule}" if rule != "random" else "at random")
