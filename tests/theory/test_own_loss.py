"""Losses of one's own: the named loss under another name, slopes given or differenced, and errors that say where."""

import math

import numpy as np
import pytest
from own_losses import HuberHinge

from replica_theory import KeepBetween, KeepEasiest, KeepHardest, KeepRandom, KeepWithProbability, empirical_risk


class OwnSquare:
    """½(1 − u)²."""

    def value(self, field):
        return 0.5 * (1 - field) ** 2

    def proximal(self, omega, scale):
        return (omega + scale) / (1 + scale)


class OwnSquareWithSlope(OwnSquare):
    def slope(self, omega, scale):
        return np.broadcast_to(
            1 / (1 + np.asarray(scale, float)), np.broadcast_shapes(np.shape(omega), np.shape(scale))
        )


def random_settings(number, seed):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        fraction, aware = float(rng.uniform(0.1, 0.9)), bool(rng.random() < 0.4)
        low, width = float(rng.uniform(0, 1 - fraction)), float(rng.uniform(0.05, 0.5))
        rule = [
            KeepRandom(),
            KeepHardest(fraction, aware),
            KeepEasiest(fraction, aware),
            KeepBetween(low, low + fraction, aware),
            KeepWithProbability(lambda z, y, width=width: 1 / (1 + np.exp((0.8 - np.abs(z)) / width))),
        ][rng.integers(5)]
        yield {
            "alpha_prune": float(np.exp(rng.uniform(math.log(0.3), math.log(30)))),
            "ridge": float(np.exp(rng.uniform(math.log(1e-4), math.log(10)))),
            "selection": rule,
            "probe_angle": float(rng.choice([0.0, rng.uniform(0.05, 1.2)])),
            "label_noise": float(rng.choice([0.0, 0.1])),
        }


def assert_is_the_named_loss(own, settings):
    for setting in settings:
        mine, named = (empirical_risk(loss=loss, **setting) for loss in (own, "square"))
        assert mine.generalization_error == pytest.approx(named.generalization_error, rel=1e-9)
        assert mine.norm == pytest.approx(named.norm, rel=1e-9)


@pytest.mark.parametrize("own", [OwnSquare(), OwnSquareWithSlope()], ids=["differenced", "with its slope"])
def test_the_square_loss_under_another_name(own):
    assert_is_the_named_loss(own, random_settings(25, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("own", [OwnSquare(), OwnSquareWithSlope()], ids=["differenced", "with its slope"])
def test_no_setting_of_200_is_refused(own):
    assert_is_the_named_loss(own, random_settings(200, seed=2))


def test_a_loss_with_corners_is_refused_nowhere():
    for setting in random_settings(20, seed=3):
        assert empirical_risk(loss=HuberHinge(), **setting).residual < 1e-9


class Fails(OwnSquare):
    def proximal(self, omega, scale):
        raise OverflowError("math range error")


class WrongSlope(OwnSquare):
    def slope(self, omega, scale):
        return np.full(np.broadcast_shapes(np.shape(omega), np.shape(scale)), 1.5)


class WrongShape(OwnSquare):
    def proximal(self, omega, scale):
        return 0.5


FAILURES = {
    "not finite": (type("NotFinite", (OwnSquare,), {"proximal": lambda self, w, V: np.exp(w)}), "omega = .*scale = "),
    "an error of its own": (Fails, "fields omega from .* scales from .*math range error"),
    "slope": (WrongSlope, "`loss.slope`"),
    "shape": (WrongShape, "shape"),
}


@pytest.mark.parametrize(("loss", "said"), FAILURES.values(), ids=FAILURES)
def test_a_loss_that_fails_is_told_where(loss, said):
    with pytest.raises(ValueError, match=said):
        empirical_risk(1.0, loss=loss(), ridge=0.1, selection=KeepRandom())


WEIGHTS = {
    "steps": lambda m: np.where(np.abs(m) < 0.7, 2.0, 0.5),
    "corner at 0": lambda m: 1 + np.abs(m),
    "corners": lambda m: 0.2 + np.minimum(np.abs(m), 1.3),
    "narrow": lambda m: 1 + 0.9 * np.tanh((m - 0.5) / 0.05),
}


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("rule", [KeepRandom(), KeepHardest(0.5)], ids=["all", "hard"])
def test_weights_with_steps_and_corners_need_no_edges(rule, weight):
    setting = {"loss": "logistic", "ridge": 0.1, "probe_angle": 0.3, "label_noise": 0.05}
    assert empirical_risk(2.0, selection=rule, sample_weight=weight, **setting).residual < 1e-9


def test_weights_of_a_step_are_the_mixture_of_two_rules():
    """Square loss: two moments, linear in the weights."""
    weight, angle = WEIGHTS["steps"], 0.4
    rng = np.random.default_rng(0)
    teacher, across = rng.standard_normal((2, 2_000_000))
    z = math.cos(angle) * teacher + math.sin(angle) * across
    v = math.sin(angle) * teacher - math.cos(angle) * across
    y, w = np.sign(teacher), weight(z)
    weighted = empirical_risk(
        3e3, loss="square", ridge=0.5, selection=KeepRandom(), probe_angle=angle, sample_weight=weight
    )
    S = np.array([[np.mean(w * z * z), np.mean(w * z * v)], [np.mean(w * z * v), np.mean(w * v * v)]])
    a = np.linalg.solve(S, [np.mean(w * y * z), np.mean(w * y * v)])  # of infinitely many examples
    assert weighted.direction[:2] / np.linalg.norm(weighted.direction[:2]) == pytest.approx(
        a / np.linalg.norm(a), abs=3e-3
    )
