"""Long answers: the page is told at once that they are not there yet, and gets them when it asks again."""

import json
import time
from threading import Event

import pytest

from perceptron_pruning.explorer.jobs import Jobs
from perceptron_pruning.explorer.views import VIEWS

SOON = 0.02


def test_an_answer_that_is_quick_comes_at_once():
    assert Jobs().answer("sum", lambda: 1 + 1, seconds=60.0) == 2


def test_a_long_answer_is_one_job_however_often_it_is_asked_for():
    jobs, done, begun = Jobs(), Event(), []

    def solve():
        begun.append(1)
        assert done.wait(60)
        return "solved"

    assert jobs.answer("long", solve, seconds=SOON) is None
    assert jobs.answer("long", solve, seconds=SOON) is None
    done.set()
    assert jobs.answer("long", solve, seconds=60.0) == "solved"
    assert begun == [1]
    assert jobs.answer("long", lambda: "anew", seconds=60.0) == "anew"  # for there may be more of it by then


def test_what_waits_gives_way_to_the_newest():
    jobs, done, solved = Jobs(), Event(), []
    for question in ("first", "second"):
        assert jobs.answer(question, lambda: done.wait(60), seconds=SOON) is None
    for question in ("third", "fourth"):
        assert jobs.answer(question, lambda question=question: solved.append(question), seconds=SOON) is None
    done.set()
    assert jobs.answer("fourth", lambda: solved.append("again"), seconds=60.0) is None
    assert solved == ["fourth"]


def test_a_failure_is_the_asker_s():
    def fail():
        raise ValueError("no student here")

    jobs = Jobs()
    for _ in range(2):
        with pytest.raises(ValueError, match="no student here"):
            jobs.answer("none", fail, seconds=60.0)


def test_the_page_is_told_that_an_answer_is_being_solved(door, monkeypatch):
    chart, done = VIEWS["best_rule"], Event()
    monkeypatch.setitem(VIEWS, "best_rule", lambda *arguments: done.wait(60) and chart(*arguments))
    began = time.perf_counter()
    answer = json.loads(door.text("chart/best_rule?alpha=8")[1])
    assert time.perf_counter() - began < 5.0
    assert (answer["pending"], answer["complete"], answer["query"]) == (True, False, "alpha=8")
    done.set()
    assert door.first("alpha=8", "best_rule")["sentence"].startswith("The best rule keeps")
