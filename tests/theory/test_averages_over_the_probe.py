"""Averages of smooth rules over the probe's field, beside those over the student's field."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from replica_theory import KeepHardest, KeepWithProbability
from replica_theory._max_margin import residual, saddle_point
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.probe_moments import by_probe_field, probe_integrands, probe_nodes
from replica_theory._max_margin.saddle_point import ShortfallAverages

RULE = KeepWithProbability(lambda z, y: expit((0.4 - np.abs(z)) / 0.3), edges=(0.0,))
SIGNED = KeepWithProbability(lambda z, y: expit((y * z - 0.2) / 0.5))
ANGLES = (0.02, 0.3, 1.0, math.pi / 2)
SECOND_DERIVATIVES = tuple(name for name in ShortfallAverages._fields if name.startswith("ddq"))


def student(k: float, length: float, angle: float) -> OrderParameters:
    return OrderParameters(alpha=1.0, k=k, length=length, angle=angle)


def both_ways(kept, students, monkeypatch) -> tuple[ShortfallAverages, ShortfallAverages]:
    over_z = np.array(probe_integrands(kept, students, probe_nodes(kept, students))).sum(1)
    monkeypatch.setattr(saddle_point, "by_probe_field", lambda kept, students: False)
    return ShortfallAverages(*over_z), saddle_point._averages(kept, students)


@pytest.mark.parametrize("rule", [RULE, SIGNED], ids=["by distance", "by sign"])
@pytest.mark.parametrize("probe_angle", ANGLES, ids=str)
@pytest.mark.parametrize(
    ("k", "length", "angle"),
    [(0.7, 0.5, 0.2), (0.9, 3.0, -0.1), (0.6, 20.0, 0.004), (2.0, 0.05, 0.0)],
    ids=["short", "long", "very long", "all but nothing"],
)
def test_averages_over_probe_and_over_student_are_equal(rule, probe_angle, k, length, angle, monkeypatch):
    kept = rule.kept_distribution(probe_angle)
    over_z, over_t = both_ways(kept, student(k, length, angle), monkeypatch)
    sizes = {f"dq_{field}": math.sqrt(over_t.dq * getattr(over_t, f"dq_{field}{field}")) for field in ("x", "t", "v")}
    second_order = sum(abs(getattr(over_t, name)) for name in SECOND_DERIVATIVES)
    for name in ShortfallAverages._fields:
        size = second_order if name in SECOND_DERIVATIVES else sizes.get(name, getattr(over_t, name))
        assert getattr(over_z, name) == pytest.approx(getattr(over_t, name), abs=1e-10 * size), name


@given(
    st.sampled_from(ANGLES),
    st.floats(0.1, 3.0),
    st.floats(-1.5, 1.8).map(lambda log: 10.0**log),
    st.floats(-0.2, 0.8),
)
def test_the_papers_equations_differ_alike_in_either_order_of_integration(probe_angle, k, length, share):
    """Of students that solve nothing too, so that a wrong student cannot pass by one of them."""
    kept, students = SIGNED.kept_distribution(probe_angle), student(k, length, share * probe_angle)
    paper = residual.PaperVariables.of(kept, students)
    squared_shortfall, edge, label = residual.probe_field_averages(kept, paper)
    nodes = residual._shortfall_nodes(kept, paper)
    weight = residual.normal_density(nodes.at_nodes(paper.margin) - nodes.points) * nodes.points
    averages = residual._summed_averages(kept, paper, nodes, weight * nodes.points)
    (edge_t, size_t, label_t), total_t = (
        nodes.integrals([weight * averages.edge, weight * np.abs(averages.edge), weight * averages.label])[:, 0],
        averages.squared_shortfall,
    )
    assert squared_shortfall == pytest.approx(total_t, rel=1e-9)
    assert edge == pytest.approx(edge_t, abs=1e-9 * (size_t + label_t))
    assert label == pytest.approx(label_t, rel=1e-9, abs=1e-12 * size_t)


def test_averages_of_long_students_and_of_perfect_probes_are_over_the_student():
    some = student(0.9, 3.0, 0.1)
    assert by_probe_field(RULE.kept_distribution(0.3), some)
    assert not by_probe_field(RULE.kept_distribution(0.3), student(0.9, 300.0, 0.1))
    assert not by_probe_field(RULE.kept_distribution(0.0), some)
    assert not by_probe_field(KeepHardest(0.4).kept_distribution(0.3), some)
