"""The picture of a recommendation: change of error against the fraction kept."""

from typing import TYPE_CHECKING

from perceptron_pruning.output.layout import new_figure
from perceptron_pruning.output.palette import BEST, HARD, RANDOM, RULE_MARKERS
from perceptron_pruning.output.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perceptron_pruning.embeddings.recommendation.result import Recommendation

CURVES = {  # colour and marker
    "best rule": (BEST, "^"),
    "at random": (RANDOM, RULE_MARKERS["random"]),
    "the hardest by margin": (HARD, RULE_MARKERS["hard"]),
}


def draw(recommendation: "Recommendation") -> "Figure":
    """Error less that of all rows, in points with 95 % intervals: the best rule, random, and keeping the hardest."""
    with styled():
        figure = new_figure(5.5, 3.8)
        axes = figure.subplots()
        for name, (colour, marker) in CURVES.items():
            rows = [row for row in recommendation.table if _is_of(row, name)]
            axes.errorbar(
                [row["keep_fraction"] for row in rows],
                [row["against_all"] for row in rows],
                [row["against_all_half_width"] for row in rows],
                marker=marker,
                markersize=4,
                capsize=2,
                color=colour,
                label=name,
            )
        axes.axhline(0, color="0.5", linewidth=0.8, label="all rows")
        axes.axhline(100 * recommendation.tolerance, color="0.5", linewidth=0.8, linestyle=":", label="tolerance")
        axes.set_yscale("symlog", linthresh=2.0)
        axes.set_xlabel("fraction kept")
        axes.set_ylabel("error less that of all rows (points)")
        axes.legend()
    return figure


def _is_of(row: dict, curve: str) -> bool:
    if curve == "best rule":
        return row["chosen"] == 1
    if curve == "at random":
        return row["metric"] == "random" and not row["without_doubtful"]
    return row["textbook"] == 1
