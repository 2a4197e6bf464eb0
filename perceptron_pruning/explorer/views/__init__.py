"""What the page can show of a state, a file each."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from perceptron_pruning.explorer.chart import Chart
from perceptron_pruning.explorer.memory import Memory, Task
from perceptron_pruning.explorer.state import State
from perceptron_pruning.explorer.views import best_fraction, best_rule, error, hard_or_easy, information


@dataclass(frozen=True)
class View:
    """A view.

    Attributes:
        title: What the page calls it.
        tasks: What there is to solve of a state, in the order of its importance; raises ValueError for a state that the
            view cannot have.
        drawing: The chart of what is solved of it, None as long as that is nothing; raises ValueError where it turns
            out that there is no student.
    """

    title: str
    tasks: Callable[[State], list[Task]]
    drawing: Callable[[State, Memory], Chart | None]

    def chart(self, state: State, memory: Memory) -> Chart | None:
        """The drawing, which says how much of it is solved.

        Raises:
            ValueError: There is no such student where the sliders stand.
        """
        solved, points = memory.progress(self.tasks(state))
        drawing = self.drawing(state, memory)
        return drawing and replace(drawing, solved=solved, points=points)

    def whole(self, state: State, memory: Memory) -> Chart:
        """The chart with all its points, solved here and now.

        Raises:
            ValueError: There is no such student where the sliders stand.
        """
        memory.solve(self.tasks(state))
        chart = self.chart(state, memory)
        assert chart is not None
        return chart

    def says_something(self, state: State, memory: Memory) -> bool:
        """Whether there is a chart, or no student and so none."""
        try:
            return self.drawing(state, memory) is not None
        except ValueError:
            return True


VIEWS = {
    "error": View("Error", error.tasks, error.drawing),
    "best_fraction": View("Best fraction", best_fraction.tasks, best_fraction.drawing),
    "hard_or_easy": View("Hard or easy", hard_or_easy.tasks, hard_or_easy.drawing),
    "information": View("Information", information.tasks, information.drawing),
    "best_rule": View("Best rule", best_rule.tasks, best_rule.drawing),
}
