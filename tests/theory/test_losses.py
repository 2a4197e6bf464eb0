"""Losses: proximal operators against their definition at any scale, derivatives against differences."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from replica_theory import EmpiricalRisk
from replica_theory.losses.named import LOSSES, check_loss
from replica_theory.losses.ridgeless import HardMargin, Interpolation

FIELDS = np.array([-30.0, -3.0, -0.4, 0.0, 0.3, 0.999, 1.001, 2.0, 30.0])
SCALES = [1e-8, 0.1, 1.0, 30.0, 1e3, 1e8]
named = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


@named
@pytest.mark.parametrize("scale", SCALES, ids="V={:g}".format)
def test_proximal_point_is_stationary_at_every_scale(loss, scale):
    """(ω − p)/V lies between the slopes on either side of p: a cycling Newton's method would be seen at large V."""
    omega = np.concatenate([FIELDS, np.linspace(-3 * scale, 3 * scale, 2001)])
    p = loss.proximal(omega, scale)
    rounding = 1e-13 * (1 + np.abs(p))
    force, size = (omega - p) / scale, 1e-14 * (1 + np.abs(omega) / scale) + rounding
    assert np.all(loss.derivative(p - rounding) - size <= force)
    assert np.all(force <= loss.derivative(p + rounding) + size)


@named
@pytest.mark.parametrize("scale", [0.2, 5.0, 200.0], ids="V={:g}".format)
def test_proximal_point_is_where_a_search_finds_it(loss, scale):
    for omega in (-7.0, -0.3, 0.8, 4.0):
        search = minimize_scalar(
            lambda u, omega=omega: float(loss.value(u)) + (u - omega) ** 2 / (2 * scale),
            bounds=(min(omega, 0.0) - 1, max(omega, 0.0) + 10),
            method="bounded",
            options={"xatol": 1e-10},
        )
        assert float(loss.proximal(omega, scale)) == pytest.approx(search.x, abs=2e-5)


@named
def test_derivatives_and_slopes_are_those_of_differences(loss):
    step = 1e-5
    slope = (loss.value(FIELDS + step) - loss.value(FIELDS - step)) / (2 * step)
    assert loss.derivative(FIELDS) == pytest.approx(slope, abs=1e-5)
    force = (loss.derivative(FIELDS + step) - loss.derivative(FIELDS - step)) / (2 * step)
    assert loss.second_derivative(FIELDS) == pytest.approx(force, abs=1e-5)
    assert np.max(force) <= loss.smoothness * (1 + 1e-9)
    for scale in (0.3, 7.0):
        omega = np.linspace(-11.0, 9.03, 41)
        slope = (loss.proximal(omega + step, scale) - loss.proximal(omega - step, scale)) / (2 * step)
        assert loss.proximal_and_slope(omega, scale)[1] == pytest.approx(slope, abs=1e-8)


@named
def test_formulas_take_compiled_arrays_of_jax_as_they_take_numpys(loss):
    jax = pytest.importorskip("jax")
    fields = np.append(FIELDS, [-800.0, 1.0, 800.0])
    with jax.enable_x64(True):
        for formula in (loss.value, loss.derivative, loss.second_derivative):
            compiled = np.asarray(jax.jit(formula)(jax.numpy.asarray(fields)))
            assert compiled == pytest.approx(formula(fields), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("scale", [0.3, 40.0], ids="V={:g}".format)
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"], ids=str)
def test_proximal_operator_is_linear_between_its_breakpoints(loss, scale):
    ends = np.concatenate([[-100.0], LOSSES[loss].breakpoints.of_proximal(scale), [100.0]])
    for left, right in itertools.pairwise(np.unique(ends)):
        p = LOSSES[loss].proximal(np.linspace(left, right, 5), scale)
        assert np.diff(p, n=2) == pytest.approx(np.zeros(3), abs=1e-12)


@pytest.mark.parametrize(
    ("loss", "limit"), [("square", Interpolation), ("hinge", HardMargin), ("squared_hinge", HardMargin)], ids=str
)
def test_ridgeless_limit_is_the_proximal_operator_at_huge_scale(loss, limit):
    constraint = LOSSES[loss].ridgeless_limit
    assert isinstance(constraint, limit)
    assert constraint.proximal(FIELDS, 1.0) == pytest.approx(LOSSES[loss].proximal(FIELDS, 1e12), abs=1e-10)
    assert LOSSES["logistic"].ridgeless_limit is None


class Quadratic:
    def value(self, field):
        return field**2

    def proximal(self, omega, scale):
        return omega / (1 + 2 * scale)


def test_a_loss_of_ones_own_needs_a_value_and_a_proximal_operator():
    own = Quadratic()
    assert check_loss(own) is own
    assert EmpiricalRisk(own, 0.1).loss is own


@pytest.mark.parametrize("loss", ["huber", 3.0, Quadratic, object()], ids=["name", "number", "class", "object"])
def test_what_is_no_loss_is_refused(loss):
    with pytest.raises(ValueError, match='`loss` must be "square", "logistic", "hinge", "squared_hinge", or an object'):
        EmpiricalRisk(loss, 0.1)


@pytest.mark.parametrize("ridge", [-0.1, math.nan], ids=str)
def test_ridge_out_of_range_is_refused(ridge):
    with pytest.raises(ValueError, match="`ridge` must be >= 0; got"):
        EmpiricalRisk("square", ridge)
