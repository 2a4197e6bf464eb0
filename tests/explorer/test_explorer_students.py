"""Curves that are solved in pieces."""

import numpy as np

from perceptron_pruning.explorer.memory import Memory, Missing, coarse_to_fine
from perceptron_pruning.explorer.state import State
from perceptron_pruning.explorer.students import ALPHAS, curve_tasks, known_curves, solved
from replica_theory import KeepRandom, empirical_risk

HINGE = State(student="hinge", ridge=0.2)


def test_pieces_make_the_whole():
    memory, counts = Memory(), []
    for task in curve_tasks(HINGE, ("random",)):
        memory.solve([task])
        counts.append(sum(point is not None for point in known_curves(HINGE, ("random",), memory)["random"]))
    assert (counts[0], counts[-1]) == (4, len(ALPHAS))
    assert counts == sorted(set(counts))
    errors = [point.error for point in known_curves(HINGE, ("random",), memory)["random"]]
    whole = empirical_risk(0.3 * ALPHAS, loss="hinge", ridge=0.2, selection=KeepRandom(0.3))
    np.testing.assert_allclose(errors, whole.generalization_error, rtol=1e-8)


def test_both_ends_come_first_and_every_place_once():
    levels = coarse_to_fine(40, (13, 3, 1))
    assert levels[0] == [0, 13, 26, 39]
    assert sorted(place for level in levels for place in level) == list(range(40))


def test_a_point_that_is_missing_leaves_the_others():
    ridgeless = State(student="logistic", ridge=0.0, label_noise=0.3, abscissa="kept")
    few, many = solved(ridgeless, "random", (0.5, 50.0))
    assert isinstance(few, Missing)
    assert 0 < many.error < 0.5
