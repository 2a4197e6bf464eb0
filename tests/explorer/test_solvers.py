"""Processes that solve: what nobody waits for is broken off, what was solved stays, and a failure is the asker's."""

import os
import time
from functools import partial

import pytest

from perceptron_pruning.explorer.memory import Memory, Missing, Task, one_by_one
from perceptron_pruning.explorer.solvers import Solvers
from replica_theory import SaddlePointError

LONG = 300.0  # s, of what must be broken off for a test to end


def squares(places):
    return [place**2 for place in places]


def sleeps(path, places):
    """Says that it has begun."""
    path.write_text("begun")
    time.sleep(LONG)
    return places


def fails(places):
    raise ArithmeticError("no such point")


def has_none(place):
    raise SaddlePointError(f"nothing at {place:g}", residual=1.0)


def ends(places):
    os._exit(3)


@pytest.fixture
def solvers():
    solvers = Solvers(Memory(), count=1)
    solvers.start()
    yield solvers
    solvers.stop()


def solution(solvers, name, task):
    solvers.ask(name, [task], moved=time.time())
    assert solvers.wait(name, lambda: solvers.memory.has([task]), seconds=60.0)
    return [solvers.memory.at(task.curve, place) for place in task.places]


def test_what_is_asked_for_is_solved_and_remembered(solvers):
    task = Task("squares", (1.0, 2.0, 3.0), squares)
    assert solution(solvers, "first", task) == [1.0, 4.0, 9.0]
    assert solvers.memory.progress([task, Task("squares", (3.0, 4.0), squares)]) == (4, 5)


def test_what_nobody_waits_for_is_broken_off(solvers, tmp_path):
    begun, sleep = tmp_path / "begun", Task("sleep", (1.0,), partial(sleeps, tmp_path / "begun"))
    solvers.ask("long", [sleep], moved=1.0)
    while not begun.exists():
        time.sleep(0.01)
    assert not solvers.wait("long", lambda: solvers.memory.has([sleep]), seconds=0.05)
    asked = time.monotonic()
    assert solution(solvers, "short", Task("squares", (5.0,), squares)) == [25.0]
    assert time.monotonic() - asked < LONG / 10
    assert not solvers.memory.has([sleep])


def test_what_may_wait_gives_way_to_what_may_not(solvers, tmp_path):
    begun, sleep = tmp_path / "begun", Task("sleep", (1.0,), partial(sleeps, tmp_path / "begun"))
    solvers.ask("curve", [sleep], moved=1.0)
    while not begun.exists():
        time.sleep(0.01)
    here = Task("squares", (5.0,), squares, first=True)
    solvers.ask("point and curve", [here, sleep], moved=2.0)
    assert solvers.wait("point and curve", lambda: solvers.memory.has([here]), seconds=LONG / 10)


def test_an_earlier_move_that_asks_later_waits_until_the_last_one_is_solved(solvers, tmp_path):
    sleep, square = Task("sleep", (1.0,), partial(sleeps, tmp_path / "begun")), Task("squares", (5.0,), squares)
    solvers.ask("move", [sleep], moved=2.0)
    assert not solvers.ask("other window", [square], moved=1.0)
    assert not solvers.wait("other window", lambda: True, seconds=60.0)
    solution(solvers, "next move", Task("squares", (6.0,), squares))
    assert solvers.ask("other window", [square], moved=1.0)
    assert solvers.wait("other window", lambda: solvers.memory.has([square]), seconds=60.0)


def test_where_the_theory_has_no_solution_none_is_remembered(solvers):
    assert solution(solvers, "none", Task("none", (2.0,), one_by_one(has_none))) == [
        Missing("nothing at 2 (residual 1)")
    ]


def test_a_failure_is_the_asker_s_and_the_next_question_is_answered(solvers):
    solvers.ask("failure", [Task("failure", (1.0,), fails)], moved=1.0)
    with pytest.raises(ArithmeticError, match="no such point"):
        solvers.wait("failure", lambda: False, seconds=60.0)
    assert solution(solvers, "next", Task("squares", (7.0,), squares)) == [49.0]


def test_a_process_that_dies_loses_its_points_alone(solvers):
    (lost,) = solution(solvers, "end", Task("end", (1.0,), ends))
    assert lost == Missing("the process that solved it was ended")
    assert solution(solvers, "next", Task("squares", (8.0,), squares)) == [64.0]
