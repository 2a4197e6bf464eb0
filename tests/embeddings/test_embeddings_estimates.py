"""What `score` says of its time: products at the machine's rate, other work of cores, starting; and the sums."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from perceptron_pruning.embeddings import score
from perceptron_pruning.embeddings.metrics.costs import ensemble_cost, margin_cost
from perceptron_pruning.embeddings.metrics.registry import FAMILIES
from perceptron_pruning.embeddings.runtime import cost as costs
from perceptron_pruning.embeddings.runtime.cost import Cost, Estimate, problem_size
from perceptron_pruning.embeddings.runtime.progress import NoProgress

RATE = 1e9


class Said(NoProgress):
    """Keeps what is said."""

    def __init__(self):
        self.text = ""

    def say(self, text):
        self.text += text


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    return score(rng.standard_normal((60, 4)), rng.integers(0, 3, 60), metrics="margin")


def test_other_work_is_shared_by_the_cores_and_starting_is_not(scores, monkeypatch):
    work = Cost(flops=4e9, passes=2, state_bytes=0.0, core_seconds=6.0, start_seconds=1.0)
    for cores in (1, 3):
        monkeypatch.setattr(costs, "usable_cores", lambda cores=cores: cores)
        estimate = Estimate.of(work, scores.context, RATE)
        assert estimate.wall_seconds == pytest.approx(1 + 4 + 6 / cores)
        assert estimate.processor_seconds == pytest.approx(1 + 4 * cores + 6)


def test_on_a_device_the_other_work_of_cores_is_not_there(scores, monkeypatch):
    work = Cost(flops=4e9, passes=2, state_bytes=0.0, core_seconds=6.0, start_seconds=1.0)
    monkeypatch.setattr("perceptron_pruning.embeddings.runtime.devices.is_host", lambda: False)
    assert Estimate.of(work, scores.context, RATE).wall_seconds == pytest.approx(5.0)
    assert Estimate.of(replace(work, flops=None), scores.context, RATE) is None


def test_the_plan_says_both_times_and_their_sums(monkeypatch):
    rng, said = np.random.default_rng(0), Said()
    monkeypatch.setattr(import_module("perceptron_pruning.embeddings.score"), "matrix_rate", lambda dtype: RATE)
    metrics = ["margin", "memorization", "el2n"]
    scored = score(rng.standard_normal((60, 4)), rng.integers(0, 3, 60), metrics=metrics, progress=said)
    size, settings = problem_size(scored.context), scored.context.settings
    asked = [family for family in FAMILIES if set(family.metrics) & set(metrics)]
    estimates = [
        Estimate.of(family.cost(size, settings, set(metrics) & set(family.metrics)), scored.context, RATE)
        for family in asked
    ]
    wall, processor = (
        sum(getattr(estimate, name) for estimate in estimates) for name in ("wall_seconds", "processor_seconds")
    )
    lines = said.text.splitlines()
    assert lines[-1].split() == ["all", *costs.duration_text(wall).split(), *costs.duration_text(processor).split()]
    assert len(lines) == 2 + len(metrics) + 1
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("cost", "metrics"), [(margin_cost, {"margin"}), (ensemble_cost, {"el2n"})], ids=["margin", "heads"]
)
def test_other_work_grows_with_rows_features_and_classes(scores, cost, metrics):
    size = replace(problem_size(scores.context), n=1000, n_all=1000, d=64, n_classes=40)
    least = cost(size, scores.context.settings, metrics)
    for more in ({"n": 2000, "n_all": 2000}, {"d": 128}, {"n_classes": 80}):
        larger = cost(replace(size, **more), scores.context.settings, metrics)
        assert larger.core_seconds > 1.05 * least.core_seconds
        assert larger.start_seconds == least.start_seconds
