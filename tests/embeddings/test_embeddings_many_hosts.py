"""The model of k-means on many hosts, by hand."""

import pytest
from many_hosts import ManyHostsPlan


def test_a_small_plan_by_hand():
    plan = ManyHostsPlan(n_rows=1000, n_features=9, n_clusters=10, hosts=2, flops_per_second=1e3, steps=4)
    assert plan.stored_bytes == 18_000
    assert plan.flops == 2 * 1000 * 9 * 10 * 5
    assert plan.received_bytes == 8 * 10 * 10 * 2 * 4
    assert plan.hours == pytest.approx((plan.flops / 2 / 1e3 + plan.received_bytes / 1e9) / 3600)


def test_slow_disks_set_the_pace():
    plan = ManyHostsPlan(
        n_rows=1e9, n_features=768, n_clusters=10, hosts=4, flops_per_second=1e15, read_bytes_per_second=1e8
    )
    assert plan.hours == pytest.approx(plan.stored_bytes * 21 / 4 / 1e8 / 3600, rel=1e-3)


def test_refusal():
    with pytest.raises(ValueError, match="`hosts` must be > 0; got 0"):
        ManyHostsPlan(n_rows=1, n_features=1, n_clusters=1, hosts=0, flops_per_second=1.0)
