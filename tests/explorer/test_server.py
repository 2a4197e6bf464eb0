"""What the page gets: charts for every student, one line for what cannot be, tables and programs that agree."""

import csv
import itertools
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from perceptron_pruning.explorer.students import ALPHAS
from replica_theory import KeepBetween, KeepHardest, TrainedProbe, empirical_risk, max_margin

STUDENTS = ("max_margin", "square", "logistic", "hinge", "squared_hinge")
RULES = ("hardest", "easiest", "random", "window")
TRAINED = "probe=trained&probe_loss=square&probe_ridge=0.5&probe_share=0.5"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


@pytest.mark.parametrize(
    ("student", "rule", "probe"),
    [
        *itertools.product(STUDENTS, RULES, ("probe_angle_degrees=20",)),
        ("max_margin", "hardest", TRAINED),
        ("hinge", "window", TRAINED),
    ],
    ids=lambda word: word.split("&")[0],
)
def test_every_student_under_every_rule_has_a_first_answer(door, student, rule, probe):
    answer = door.first(f"student={student}&rule={rule}&{probe}&label_aware=1")
    assert answer["sentence"].startswith("At this size ")
    assert len(answer["marks"]) > 0
    assert all(0 < mark["y"] < 0.5 for mark in answer["marks"])


def test_curves_and_point_are_the_theorys(door):
    answer = door.chart("student=hinge&ridge=0.2&label_noise=0.1&rule=window&lower=0.2&keep_fraction=0.4&alpha=7")
    rule = KeepBetween(0.2, 0.6)
    setting = {"loss": "hinge", "ridge": 0.2, "selection": rule, "probe_angle": np.radians(10.0), "label_noise": 0.1}
    shown = {one["key"]: one for one in answer["series"]}["window"]
    np.testing.assert_allclose(shown["x"], ALPHAS)
    np.testing.assert_allclose(shown["y"], empirical_risk(0.4 * ALPHAS, **setting).generalization_error, rtol=1e-7)
    here = {mark["key"]: mark["y"] for mark in answer["marks"]}
    assert here["window"] == pytest.approx(empirical_risk(0.4 * 7.0, **setting).generalization_error, rel=1e-9)
    best = min(here, key=here.__getitem__)
    advice = {"window": "keep the window", "easiest": "keep the easy ones", "hardest": "keep the hard ones"}[best]
    assert answer["sentence"].startswith(f"At this size {advice}: ε = {here[best]:.3f}".replace("0.", "."))


def test_kept_examples_and_trained_probes_are_the_theorys(door):
    answer = door.chart(f"abscissa=kept&alpha=2&keep_fraction=0.25&{TRAINED}")
    student = max_margin(2.0, selection=KeepHardest(0.25), probe=TrainedProbe("square", 0.5, 0.5))
    assert answer["marks"][0] == {
        "key": "hardest",
        "x": 2.0,
        "y": pytest.approx(student.generalization_error),
        "hollow": False,
    }
    assert dict(answer["numbers"])["pool per dimension"] == "8"
    assert dict(answer["numbers"])["probe to teacher"] == f"{np.degrees(student.probe_angle):.3g}°"


def test_random_keeping_asks_no_probe(door):
    trained, independent = (door.chart(f"rule=random&alpha=3{probe}") for probe in (f"&{TRAINED}", ""))
    assert trained["marks"][2] == independent["marks"][2]
    assert "probe to teacher" not in dict(trained["numbers"])


def test_the_sentence_turns_with_the_size(door):
    assert "keep the easy ones" in door.chart("alpha=2")["sentence"]
    assert "keep the hard ones" in door.chart("alpha=50")["sentence"]
    assert "no difference which" in door.chart("keep_fraction=1")["sentence"]


def test_curves_have_gaps_where_there_is_no_student(door):
    """A logistic student of clean labels without ridge has none while they are separable, nor here at any α."""
    status, message = door.refusal("chart/error?student=logistic&ridge=0")
    assert status == 400
    assert message.startswith("no student here: ")
    answer = door.chart("student=logistic&ridge=0&label_noise=0.3&alpha=100&probe_angle_degrees=0")
    (random,) = (one for one in answer["series"] if one["key"] == "random")
    assert random["y"][0] is None
    assert random["y"][-1] is not None
    assert any(note.startswith("random: no student at ") for note in answer["notes"])


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("chart/error?label_noise=0.1", 400, "the max-margin student needs clean labels"),
        ("chart/error?alpha=-1", 400, "`alpha` must be in"),
        ("chart/nothing", 404, "there is no /chart/nothing here"),
        ("../etc/passwd", 404, "there is no "),
    ],
    ids=["combination", "range", "view", "file"],
)
def test_what_cannot_be_is_one_line(door, path, status, message):
    answered, line = door.refusal(path)
    assert (answered, "\n" in line) == (status, False)
    assert line.startswith(message)


def test_another_name_that_leads_here_is_refused(door):
    assert door.refusal("setting", Host="elsewhere.example")[0] == 403


@pytest.mark.parametrize("page", ["", "style.css", "plot.js", "explorer.js"], ids=lambda page: page or "page")
def test_the_page_needs_nothing_from_elsewhere(door, page):
    status, body = door.text(page)
    assert status == 200
    assert "//" not in body.replace("http://www.w3.org/2000/svg", "").replace("// ", "")


def test_the_program_prints_the_table(door, tmp_path):
    query = f"student=square&ridge=0.3&label_noise=0.05&rule=window&keep_fraction=0.5&{TRAINED}"
    (tmp_path / "explore.py").write_text(door.text(f"snippet/error?{query}")[1], encoding="utf-8")
    run = subprocess.run([sys.executable, "explore.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    printed, table = rows(run.stdout), rows(door.text(f"table/error?{query}")[1])
    assert len(printed) == len(table) == 4 * len(ALPHAS)
    errors = [[float(row["generalization_error"]) for row in some] for some in (printed, table)]
    np.testing.assert_allclose(*errors, rtol=1e-6)
    assert (tmp_path / "explore.svg").exists()


# View → a column of its table that its program prints too, and what the state says
PROGRAMS = {
    "best_fraction": ("keep_fraction", "rule=easiest&label_aware=1&student=square&ridge=0.1&label_noise=0.1"),
    "hard_or_easy": ("alpha_total", "probe_angle_degrees=0"),
    "information": ("information_gain", "probe_angle_degrees=0&abscissa=kept&rule=window"),
    "best_rule": ("lower", f"alpha=8&student=square&ridge=0.2&{TRAINED}"),
}


@pytest.mark.parametrize(
    "view",
    [pytest.param(view, marks=pytest.mark.slow if view == "hard_or_easy" else ()) for view in PROGRAMS],
    ids=list(PROGRAMS),
)
def test_the_program_of_every_view_prints_its_table(door, tmp_path, monkeypatch, capsys, view):
    column, query = PROGRAMS[view]
    monkeypatch.chdir(tmp_path)
    exec(door.text(f"snippet/{view}?{query}")[1], {})
    plt.close("all")
    printed, table = rows(capsys.readouterr().out), rows(door.text(f"table/{view}?{query}")[1])
    assert len(table) > 0
    values = [[float(row[column]) for row in some] for some in (printed, table)]
    np.testing.assert_allclose(*values, rtol=1e-6)


@pytest.mark.parametrize(
    ("view", "query", "sentence"),
    [
        ("best_fraction", "alpha=20", "To keep 6 a dimension, take the hardest 0."),
        (
            "best_fraction",
            "alpha=1&abscissa=kept&probe_angle_degrees=45",
            "To keep 1 a dimension, prune nothing: ε = ",
        ),
        ("best_fraction", "probe_angle_degrees=90", "To keep 1.5 a dimension, prune nothing: ε = .222 against .222 at"),
        (
            "best_fraction",
            "alpha=200&probe_angle_degrees=0",
            "To keep 60 a dimension, take the hardest 0.05 of a pool of 1200:",
        ),
        ("best_rule", "probe_angle_degrees=90", "No rule is better than random here: ε = .222 against .222 hard"),
        ("best_rule", "keep_fraction=1", "No rule is better than random here: ε = .094 against .094 hard"),
        ("hard_or_easy", "alpha=2", "Where the sliders stand the easy ones are better: ε = "),
        ("information", "alpha=2", "The next example brings so many nats: 0."),
        ("best_rule", "alpha=8", "The best rule keeps quantiles 0."),
    ],
    ids=[
        "best fraction",
        "nothing to prune",
        "a probe that knows nothing",
        "a large pool",
        "no best rule",
        "all are kept",
        "hard or easy",
        "information",
        "best rule",
    ],
)
def test_every_view_says_what_it_shows(door, view, query, sentence):
    answer = next(answer for answer in door.answers(query, view) if says_all(answer))
    assert answer["sentence"].startswith(sentence)


def test_equal_rules_have_no_line_and_none_is_called_better(door):
    (note,) = door.chart("probe_angle_degrees=90", "hard_or_easy")["notes"]
    assert note == "no line at 19 of 19 fractions (both are equally good)"
    numbers = dict(door.chart("probe_angle_degrees=90", "best_fraction")["numbers"])
    assert numbers["best f"] == "1.0000"


def says_all(answer: dict) -> bool:
    """Whether what it says in words is all solved."""
    return "series" in answer and not any(word in answer["sentence"] for word in ("to come", "Searching"))


def test_the_sentence_of_hard_or_easy_does_not_wait_for_the_line(door):
    query = "alpha=3&keep_fraction=0.4&probe_angle_degrees=3.5"
    first, *_, last = door.answers(query, "hard_or_easy")
    assert not first["complete"]
    assert first["sentence"] == last["sentence"]
    assert last["sentence"].startswith("Where the sliders stand the easy ones are better: ε = ")
    assert [value for value in first["series"][0]["y"] if value is not None] == []
    assert any(value is not None for value in last["series"][0]["y"])


def test_what_is_shown_while_it_is_refined_is_solved(door):
    """Each point of each picture on the way is that of the whole, and their number grows."""
    query = "probe=trained&student=hinge&ridge=0.3&rule=window&alpha=7"
    *drawn, last = [answer for answer in door.answers(query) if "series" in answer]
    assert (len(drawn) > 0, last["solved"]) == (True, last["points"])
    for answer in drawn:
        for one, whole in zip(answer["series"], last["series"], strict=True):
            assert all(value in (None, end) for value, end in zip(one["y"], whole["y"], strict=True))
    solved = [answer["solved"] for answer in drawn]
    assert solved == sorted(solved)


def test_what_is_found_on_the_way_to_the_best_is_of_students(door):
    state = {"probe": TrainedProbe("logistic", 0.3), "loss": "squared_hinge", "ridge": 0.2}
    query = "probe=trained&probe_ridge=0.3&student=squared_hinge&ridge=0.2&alpha=11&keep_fraction=0.35"
    first = door.first(query, "best_fraction")
    (mark,), numbers = first["marks"], dict(first["numbers"])
    assert mark["hollow"]
    student = empirical_risk(0.35 * 11, selection=KeepHardest(mark["y"]), **state)
    assert numbers["ε there"] == f"{student.generalization_error:.5f}"
    answers = [answer for answer in door.answers(query, "best_rule") if "Best of " in answer.get("sentence", "")]
    for answer in answers[:1]:
        lower, upper = answer["series"][0]["x"][1:3]
        student = empirical_risk(0.35 * 11, selection=KeepBetween(lower, upper), **state)
        assert dict(answer["numbers"])["ε of the best so far"] == f"{student.generalization_error:.5f}"


def test_the_best_rule_is_no_worse_than_the_others(door):
    best = float(dict(door.chart("alpha=8", "best_rule")["numbers"])["ε of the best rule"])
    assert best < min(mark["y"] for mark in door.chart("alpha=8")["marks"])


def test_the_version_space_takes_an_independent_probe(door):
    assert "an independent probe alone" in door.refusal(f"chart/information?{TRAINED}")[1]


def test_the_program_of_the_first_state_runs(door, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(door.text("snippet/error?")[1], {})
    plt.close("all")
    assert len(rows(capsys.readouterr().out)) == 3 * len(ALPHAS)
