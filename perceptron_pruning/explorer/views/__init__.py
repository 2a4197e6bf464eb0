"""What the page can show of a state, a file each."""

from collections.abc import Callable

from perceptron_pruning.explorer.chart import Chart
from perceptron_pruning.explorer.state import State
from perceptron_pruning.explorer.students import Students
from perceptron_pruning.explorer.views import error

View = Callable[[State, Students, float], Chart]
"""A chart of a state, from the students solved so far and in at most so many seconds more."""

VIEWS: dict[str, View] = {"error": error.chart}
TITLES = {"error": "Error"}
"""What the page calls each view."""
