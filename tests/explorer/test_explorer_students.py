"""Curves that are solved in pieces, and give way to a newer question."""

import numpy as np
import pytest

from perceptron_pruning.explorer.state import State
from perceptron_pruning.explorer.students import ALPHAS, Students

HINGE = State(student="hinge", ridge=0.2)


class Interrupted(Students):
    """Is asked for something else whenever it has solved."""

    def at(self, state, rule, alphas):
        self._asked += 1
        return super().at(state, rule, alphas)


def solved(curves) -> int:
    return sum(point is not None for point in curves["random"])


def test_pieces_make_the_whole():
    students, whole = Students(), Students().at(HINGE, "random", ALPHAS)
    counts = [solved(students.curves(HINGE, ("random",), seconds=0.01))]
    while counts[-1] < len(ALPHAS):
        counts.append(solved(students.curves(HINGE, ("random",), seconds=0.01)))
        assert counts[-1] > counts[-2]
    pieces = students.curves(HINGE, ("random",), seconds=0.0)["random"]
    errors = [[point.error for point in points] for points in (pieces, whole)]
    np.testing.assert_allclose(*errors, rtol=1e-8)


@pytest.mark.parametrize(("seconds", "count"), [(5.0, 1), (60.0, len(ALPHAS))], ids=["a move", "a table"])
def test_a_move_gives_way_to_the_next_and_a_table_does_not(seconds, count):
    assert solved(Interrupted().curves(HINGE, ("random",), seconds=seconds)) == count
