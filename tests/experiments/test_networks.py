"""Networks on pixels: the arithmetic against JAX's own, and what they learn."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perceptron_pruning.embeddings import load_fashion_mnist
from perceptron_pruning.experiments.pools import standardise
from perceptron_pruning.experiments.students.heads import STUDENTS, fit_present
from perceptron_pruning.experiments.students.resnet import ResNet, convolved
from perceptron_pruning.experiments.students.two_layer import TwoLayer

TINY = ResNet(widths=(4, 8), steps=150, batch=32)
BRIEF = replace(TINY, steps=50)  # of the same compiled programs


@pytest.fixture(scope="module")
def rows():
    """300 images of the first three classes, and their labels."""
    data = load_fashion_mnist(images=True)
    chosen = np.flatnonzero(data.train_labels < 3)[:300]
    pixels = data.pixels.train[chosen].astype(np.float32)
    return standardise(pixels, pixels), data.train_labels[chosen]


@pytest.mark.parametrize("stride", [1, 2], ids=["stride 1", "stride 2"])
@pytest.mark.parametrize("size", [1, 3, 4], ids=["1 x 1", "3 x 3", "4 x 4"])
@pytest.mark.parametrize("shape", [(2, 7, 10, 3), (1, 8, 8, 1)], ids=["odd", "even"])
def test_convolution_is_that_of_jax(shape, size, stride):
    rng = np.random.default_rng(0)
    maps = rng.standard_normal(shape).astype(np.float32)
    kernel = rng.standard_normal((size, size, shape[3], 5)).astype(np.float32)
    dimensions = ("NHWC", "HWIO", "NHWC")
    expected = jax.lax.conv_general_dilated(maps, kernel, (stride, stride), "SAME", dimension_numbers=dimensions)
    np.testing.assert_allclose(convolved(jnp.asarray(maps), kernel, stride), expected, atol=1e-4)


@pytest.mark.slow
def test_body_halves_and_widens():
    body, width = ResNet(widths=(4, 8, 16), blocks=2).start(np.random.default_rng(0), np.zeros((1, 28, 28, 3)))
    assert width == 16
    assert ["skip" in block for block in body["blocks"]] == [False, False, True, False, True, False]
    assert body["stem"].shape == (3, 3, 3, 4)
    assert ResNet.features(body, jnp.zeros((5, 28, 28, 3))).shape == (5, 16)


def test_no_image_depends_on_its_neighbours(rows):
    inputs, labels = rows
    body, _ = TINY.untrained(np.random.default_rng(0), inputs, labels)
    np.testing.assert_allclose(TINY.represent(body, inputs[:7]), TINY.represent(body, inputs)[:7], atol=1e-6)


@pytest.mark.slow
def test_grey_images_are_images_of_one_channel(rows):
    inputs, labels = rows
    flat, deep = (BRIEF.fit(x, labels, 0)(x[:20]) for x in (inputs, inputs[..., None]))
    np.testing.assert_array_equal(flat, deep)


def test_resnet_learns_repeats_itself_and_depends_on_its_seed(rows):
    inputs, labels = rows
    first, second = (fit_present(TINY, inputs[:200], labels[:200], 3)(inputs) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.mean(first[200:] != labels[200:]) < 0.25  # chance: 2/3
    one, other = (BRIEF.fit(inputs, labels, seed)(inputs[:10]) for seed in (0, 1))
    assert np.abs(one - other).max() > 1e-3


def test_labels_are_what_it_learns(rows):
    """Shuffled labels teach nothing about other images."""
    inputs, labels = rows
    shuffled = np.random.default_rng(0).permutation(labels[:200])
    predict = fit_present(TINY, inputs[:200], shuffled, 0)
    assert np.mean(predict(inputs[200:]) != labels[200:]) > 0.45


def test_a_network_that_diverges_is_no_number(rows):
    with pytest.raises(ArithmeticError, match="diverged"):
        replace(BRIEF, learning_rate=1e38).fit(*rows, 0)


def test_training_in_pieces_is_training_at_once(rows, monkeypatch):
    """How many steps one call scans changes nothing but rounding."""
    inputs, labels = rows
    recipe = TwoLayer(steps=40)
    flat = inputs.reshape(len(inputs), -1)
    whole = recipe.fit(flat, labels, 0)(flat)
    monkeypatch.setattr("perceptron_pruning.experiments.students.networks._SCANNED", 7)
    np.testing.assert_allclose(recipe.fit(flat, labels, 0)(flat), whole, atol=1e-3)


def test_networks_say_what_they_are():
    """Two recipes of equal repr would share their numbers in a store."""
    assert len({repr(student) for student in STUDENTS.values()}) == len(STUDENTS)
    assert {name for name, student in STUDENTS.items() if student.needs_images} == {
        "resnet",
        "resnet_quick",
        "resnet_large",
    }
