"""The model of what many hosts take, by hand."""

from dataclasses import replace

import pytest
from many_hosts import Problem, plans, rows

from perceptron_pruning.embeddings.metrics.registry import METRICS

SMALL = Problem(n_rows=1000, n_features=9, n_classes=4, n_clusters=10, n_test=5, hosts=2, core_flops=1e3, cores=1)


def by_work(problem: Problem):
    return {plan.work: plan for plan in plans(problem)}


def test_every_metric_is_planned_and_duplicates_and_selections():
    planned = [name for work in by_work(SMALL) for name in work.split(", ")]
    assert planned == [*METRICS, "near_duplicates", "k_centre", "herding"]
    assert len(rows(SMALL)) == len(by_work(SMALL))


def test_k_means_by_hand():
    plan = by_work(replace(SMALL, steps=4))["self_supervised_prototypes"]
    assert plan.flops == 2 * 500 * 9 * 10 * 5
    assert plan.read_bytes == 500 * 9 * 2 * 6
    assert plan.received_bytes == 8 * 10 * 10 * 2 * 4
    assert plan.hours == pytest.approx((plan.flops / 1e3 + plan.received_bytes / 1e9) / 3600)


def test_neighbours_and_duplicates_by_hand():
    """Half of all pairs for each of two; the rows of all pass."""
    two, one = by_work(SMALL), by_work(replace(SMALL, hosts=1))
    for work, flops in (("knn_disagreement, knn_shapley", 2 * 1000**2 * 9), ("near_duplicates", 1000**2 * 9)):
        assert one[work].flops == flops == 2 * two[work].flops
        assert one[work].received_bytes == 0
        assert two[work].received_bytes >= 4 * 1000 * 9


def test_heads_are_shared_out():
    """Twenty heads: of 64 hosts, 44 train none, and no more than one is trained by any."""
    work = next(name for name in by_work(SMALL) if name.startswith("el2n"))
    many = by_work(replace(SMALL, n_rows=64_000, hosts=64))[work]
    alone = by_work(replace(SMALL, n_rows=64_000, hosts=1))[work]
    trained, measured = 4 * 10 * 64_000 * 9 * 4, 2 * 2 * 64_000 * 9 * 4 * 20
    assert alone.flops == 20 * trained + measured
    assert many.flops == trained + measured / 64
    assert many.received_bytes == 10 * 64_000 * (2 * 9 + 8 + 40)


def test_slow_disks_set_the_pace():
    plan = by_work(Problem(core_flops=1e15))["margin, margin_label_agnostic"]
    assert plan.hours == pytest.approx((plan.read_bytes + plan.received_bytes) / 1e9 / 3600)


def test_refusal():
    with pytest.raises(ValueError, match="`hosts` must be > 0; got 0"):
        Problem(hosts=0)
