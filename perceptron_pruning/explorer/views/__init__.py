"""What the page can show of a state, a file each."""

from collections.abc import Callable

from perceptron_pruning.explorer.chart import Chart
from perceptron_pruning.explorer.state import State
from perceptron_pruning.explorer.students import Students
from perceptron_pruning.explorer.views import best_fraction, best_rule, error, hard_or_easy, information

View = Callable[[State, Students, float], Chart]
"""A chart of a state, from what is solved so far and in at most so many seconds more, but for one point."""

VIEWS: dict[str, View] = {
    "error": error.chart,
    "best_fraction": best_fraction.chart,
    "hard_or_easy": hard_or_easy.chart,
    "information": information.chart,
    "best_rule": best_rule.chart,
}
TITLES = {
    "error": "Error",
    "best_fraction": "Best fraction",
    "hard_or_easy": "Hard or easy",
    "information": "Information",
    "best_rule": "Best rule",
}
"""What the page calls each view."""
