"""Colours that mean different things are told apart in grey, and by eyes that lack a kind of cone."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from perceptron_pruning.output.palette import (
    EASY,
    FOREIGN,
    HARD,
    HARD_OR_EASY,
    KINDS,
    OWN,
    RANDOM,
    RULE_COLOURS,
    RULE_MARKERS,
    fraction_colour,
    sequence,
)

GREY, SEEN, ON_WHITE = 8.5, 15.0, 20.0  # least differences: of L*, of L*a*b* (ΔE 1976), of L* from white
FRACTIONS = (1.0, 0.5, 0.25, 0.1)

# Linear sRGB as seen without red, or without green, cones: Machado, Oliveira and Fernandes 2009, severity 1
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)

PALETTES = {
    "rules": list(RULE_COLOURS.values()),
    "probes": [OWN, FOREIGN],
    "kinds": list(KINDS),
    "fractions": [fraction_colour(fraction) for fraction in FRACTIONS],
    "numbers": sequence(4),
    "ends of the map": [HARD_OR_EASY(0.0), HARD_OR_EASY(0.5), HARD_OR_EASY(1.0)],
}


def linear(colour):
    """Linear sRGB of a colour."""
    values = np.array(to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light):
    """CIE L*a*b* of linear sRGB, under D65."""
    x, y, z = _TO_XYZ @ np.clip(light, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = [value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def lightness(colour):
    return float(lab(linear(colour))[0])


def nearest(colours, eye):
    """The least ΔE of any two colours, as an eye sees them."""
    seen = [lab(eye @ linear(colour)) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))


NUMBERED = ("rules", "probes", "kinds", "fractions", "numbers")  # a map that goes to both sides has ends alike in grey


@pytest.mark.parametrize("name", NUMBERED, ids=str)
def test_in_grey(name):
    grey = sorted(map(lightness, PALETTES[name]))
    assert min(np.diff(grey)) >= GREY


@pytest.mark.parametrize("colours", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize(
    "eye", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["all cones", "no red cones", "no green cones"]
)
def test_by_eyes(colours, eye):
    assert nearest(colours, eye) >= SEEN


@pytest.mark.parametrize("name", NUMBERED, ids=str)
def test_on_white(name):
    assert all(lightness(colour) <= 100 - ON_WHITE for colour in PALETTES[name])


def test_sequences_go_from_dark_to_light():
    for colours in (PALETTES["fractions"], PALETTES["numbers"]):
        grey = list(map(lightness, colours))
        assert grey == sorted(grey)


def test_rules_have_markers_of_their_own():
    assert len(set(RULE_MARKERS.values())) == len(RULE_COLOURS) == 3
    assert lightness(HARD) < lightness(RANDOM) < lightness(EASY)


def test_red_and_green_are_found_out():
    assert nearest(["#d62728", "#2ca02c"], np.eye(3)) > 100
    assert nearest(["#b5651d", "#6b8e23"], DEUTERANOPIA) < nearest(["#b5651d", "#6b8e23"], np.eye(3)) / 2
