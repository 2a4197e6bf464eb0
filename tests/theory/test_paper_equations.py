"""The residual that certifies students, held against the paper's equations (1)–(3) as printed."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import ndtr

from replica_theory import KeepEasiest, KeepHardest, SaddlePointError
from replica_theory._max_margin.continuation import solve_students
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.residual import largest_residual


def printed_equations(alpha, theta, selection, R, rho, kappa):
    """Left and right sides of (1)–(3), by dblquad over z and t, label-agnostic."""
    c, s = math.cos(theta), math.sin(theta)
    kept = selection.kept_distribution(theta)
    spread = math.sqrt(s * s - R * R - rho * rho + 2 * rho * R * c)
    variance = 1 - rho * rho

    def exponential(t, z):
        delta = z * z * (rho * rho + c * c - 2 * rho * R * c) + 2 * t * z * (R * c - rho) + t * t * s * s
        return math.exp(-delta / (2 * spread**2))

    def label(t, z):
        gamma = z * (rho * R - c) - t * (R - rho * c)
        normal = math.exp(-((t - rho * z) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        return normal * ndtr(-gamma / (math.sqrt(variance) * spread))

    def mean(integrand):
        density = lambda t, z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * integrand(t, z)  # noqa: E731
        windows = [(max(p.lower, -9.0), min(p.upper, 9.0)) for p in kept.pieces]
        parts = [dblquad(density, low, high, -9.0, kappa, epsabs=1e-10, epsrel=1e-9)[0] for low, high in windows]
        return sum(parts) / kept.keep_fraction

    def third(t, z):
        boundary = exponential(t, z) * (rho * R - c) / (2 * math.pi * spread * variance)
        return (label(t, z) * (z - rho * t) / variance + boundary) * (kappa - t)

    return [
        ((R - rho * c) / s**2, alpha / (math.pi * spread) * mean(lambda t, z: exponential(t, z) * (kappa - t))),
        (1 - (rho**2 + R**2 - 2 * rho * R * c) / s**2, 2 * alpha * mean(lambda t, z: label(t, z) * (kappa - t) ** 2)),
        ((rho - R * c) / s**2, 2 * alpha * mean(third)),
    ]


def paper_variables(student, theta):
    """R, ρ and κ."""
    return [np.asarray(v, float) for v in (student.overlap, student.probe_overlap(theta), student.margin)]


@pytest.mark.parametrize(
    ("alpha", "degrees", "selection"),
    [(1.7, 40.0, KeepHardest(0.4)), (3.0, 25.0, KeepEasiest(0.5))],
    ids=["hard", "easy"],
)
def test_students_solve_the_equations_as_printed(alpha, degrees, selection):
    theta = math.radians(degrees)
    (overlap,), (probe_overlap,), (margin,) = paper_variables(
        solve_students(selection.kept_distribution(theta), np.array([alpha])).students, theta
    )
    sides = printed_equations(alpha, theta, selection, overlap, probe_overlap, margin)
    for left, right in sides:
        assert left == pytest.approx(right, rel=1e-7)


@pytest.mark.parametrize("degrees", [0.0, 10.0, 80.0], ids="{}deg".format)
def test_residual_sees_a_wrong_student(degrees):
    kept = KeepHardest(0.3).kept_distribution(math.radians(degrees))
    right = solve_students(kept, np.array([2.0])).students
    assert largest_residual(kept, right) < 1e-12
    for change in ({"k": 1.001 * right.k}, {"length": 1.001 * right.length}):
        wrong = replace(right, **change)
        assert largest_residual(kept, wrong) > 1e-4
    if degrees:
        wrong = replace(right, angle=right.angle + 1e-3)
        assert largest_residual(kept, wrong) > 1e-5


def test_error_keeps_its_digits_as_the_student_aligns():
    student = OrderParameters.of(1.0, 1.0, 1e12, 0.0)
    assert float(student.generalization_error[0]) == pytest.approx(1e-12 / math.pi, rel=1e-14)
    assert np.arccos(float(student.overlap[0])) == 0.0  # what is avoided


def test_a_student_that_is_not_found_leaves_its_residual(monkeypatch):
    module = sys.modules["replica_theory._max_margin.newton"]
    monkeypatch.setattr(module, "_ITERATIONS", 1)
    kept = KeepHardest(0.3).kept_distribution(0.2)
    with pytest.raises(SaddlePointError, match=r"the curve is lost at alpha_prune = |no student found") as lost:
        solve_students(kept, np.array([3.0]))
    assert lost.value.residual > 1e-9
