"""Figures of networks: end to end beside frozen embeddings, and transfer: tables, verdicts that turn, pictures."""

from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED
from perceptron_pruning.experiments import STUDENTS
from perceptron_pruning.experiments.students.resnet import ResNet
from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.figures.real_data import figure_4, figure_end_to_end
from perceptron_pruning.figures.real_data.settings import FULL, QUICK
from perceptron_pruning.figures.real_data.sources import PIXELS
from perceptron_pruning.reproduction.experiment_stores import ExperimentData
from perceptron_pruning.studies.run import run_study

SIZES, FRACTIONS = (250, 2000), (0.5, 1.0)


class Here:
    """An executor that computes at once, in this process."""

    def submit(self, fn, /, *args):
        from concurrent.futures import Future

        future = Future()
        future.set_result(fn(*args))
        return future


def rows(students, errors, sizes=SIZES):
    """Measured rows with errors(student, rule, pool, fraction), a column each, and a little noise."""
    rng = np.random.default_rng(0)
    return [
        {"kind": MEASURED, "source": PIXELS, "student": student, "metric": "random" if rule == "random" else "margin"}
        | {"rule": rule, "class_floor": 0.5, "pool_size": n, "keep_fraction": f, "kept": round(f * n), "seed": seed}
        | {name: value + 0.001 * rng.standard_normal() for name, value in errors(student, rule, n, f).items()}
        for student in students
        for n in sizes
        for f in FRACTIONS
        for rule in (("random",) if f == 1 else ("random", "hard", "easy"))
        for seed in range(5)
    ]


def flips_at(resnet, softmax):
    """Hard hurts in smaller pools than a student's own size and helps in larger ones."""

    def errors(student, rule, n, f):
        size = {"resnet": resnet, "softmax": softmax}[student]
        return {"test_error": 0.2 + {"random": 0, "hard": 0.03 if n < size else -0.03, "easy": 0.01}[rule] * (f < 1)}

    return errors


@pytest.mark.parametrize(
    ("size", "verdicts"),
    [(1000, [CONFIRMED, CONFIRMED, CONFIRMED]), (4000, [REFUTED, REFUTED, CONFIRMED])],
    ids=["alike", "the network flips later"],
)
def test_end_to_end(size, verdicts):
    measured = rows(("resnet", "softmax"), flips_at(size, 1000))
    table = measured + figure_end_to_end.derived(measured)
    gain = next(row for row in table if row["kind"] == "gain" and row["pool_size"] == 250 and row["rule"] == "hard")
    assert gain["value"] == pytest.approx(-0.03, abs=0.003)
    claims = figure_end_to_end.claims(table)
    assert [claim.verdict for claim in claims] == verdicts
    assert claims[0].statement.startswith("A network trained end to end")
    assert claims[0].setting.startswith("Fashion-MNIST, pixels; resnet and softmax")
    picture = figure_end_to_end.draw(table)
    assert [axes.get_title() for axes in picture.axes] == ["kept fraction f = 0.5", "unpruned"]
    assert [len(axes.containers) for axes in picture.axes] == [4, 2]


@pytest.mark.parametrize("loss", [0.0, 0.05], ids=["as well as all", "worse"])
def test_transfer(loss):
    def errors(student, rule, n, f):
        test_error = 0.3 + (loss if rule == "hard" else 0.02 if f < 1 else 0)
        return {"test_error": test_error, "untrained_error": 0.5, "source_error": 0.1}

    measured = rows(("resnet",), errors, sizes=(1000,))
    table = measured + figure_4.derived(measured)
    (none,) = (row["value"] for row in table if row["kind"] == "untrained")
    assert none == pytest.approx(0.2, abs=0.003)
    verdicts = [claim.verdict for claim in figure_4.claims(table)]
    assert verdicts == [CONFIRMED, *([REFUTED] * 2 if loss else [CONFIRMED] * 2)]
    (axes,) = figure_4.draw(table).axes
    assert len(axes.containers) == 3
    assert axes.get_title() == "ResNet on pixels\n(not pretrained: +0.200)"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(figure_end_to_end.NAME, id="end_to_end"),
        pytest.param(figure_4.NAME, id="4", marks=pytest.mark.slow),
    ],
)
def test_made_from_experiments(name, tmp_path, monkeypatch):
    """Small networks, by the way of the command but for its processes."""
    monkeypatch.setitem(STUDENTS, "resnet_quick", ResNet(widths=(4, 8), steps=50, batch=32))
    small = replace(
        QUICK,
        end_to_end=replace(QUICK.end_to_end, pool_sizes=(150,), n_seeds=2),
        transfer=replace(QUICK.transfer, pool_sizes=(150,), n_seeds=2, students=("resnet_quick",)),
    )
    figure = {"4": figure_4}.get(name, figure_end_to_end)
    (tmp_path / "experiments").mkdir()
    studies = figure.studies(small, tmp_path / "experiments")
    datasets = {key: run_study(study, tmp_path / f"{key}.zarr", executor=Here()) for key, study in studies.items()}
    table = ExperimentData(figure=figure, settings=small, datasets=datasets).table()
    assert {row["student"] for row in table} == set(small.end_to_end.students if name != "4" else ["resnet_quick"])
    assert len([row for row in table if row["kind"] == MEASURED]) == sum(len(s.cells) * 2 for s in studies.values())
    assert figure.claims(table)
    figure.draw(table)


def test_networks_have_five_seeds_at_least():
    for settings in (QUICK, FULL):
        assert min(settings.end_to_end.n_seeds, settings.transfer.n_seeds) >= 5
