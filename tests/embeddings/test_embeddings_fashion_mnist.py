"""The packaged embeddings: their shape, their provenance, and that they carry the classes."""

import subprocess
import sys

import numpy as np
import pytest

from perceptron_pruning.datasets import loaders
from perceptron_pruning.datasets.archive import FIXED_POINT_STEP, from_fixed_point, to_fixed_point
from perceptron_pruning.datasets.loaders import load_fashion_mnist_images, load_fashion_mnist_resnet, load_wordnet
from perceptron_pruning.datasets.make_wordnet import FIELDS, LICENCE, definition, read_definitions
from perceptron_pruning.embeddings import fit_softmax, load_fashion_mnist
from perceptron_pruning.embeddings.experiment import standardise

DATA = loaders.DATA


@pytest.fixture(scope="module")
def data():
    return load_fashion_mnist()


def test_the_split_is_fifteen_thousand_and_five_thousand(data):
    assert data.train_embeddings.shape == (15_000, 256)
    assert data.test_embeddings.shape == (5_000, 256)
    assert data.train_embeddings.dtype == np.float64
    assert np.isfinite(data.train_embeddings).all()
    assert np.isfinite(data.test_embeddings).all()


def test_every_class_is_in_both_parts(data):
    assert np.bincount(data.train_labels).min() > 1_400
    assert np.bincount(data.test_labels).min() > 450


def test_components_are_centred_uncorrelated_and_in_falling_order(data):
    covariance = np.cov(data.train_embeddings.T)
    variances = np.diag(covariance)
    correlation = covariance / np.sqrt(np.outer(variances, variances))
    assert np.abs(data.train_embeddings.mean(axis=0)).max() < 1e-3
    assert np.abs(correlation - np.eye(256)).max() < 1e-3  # what rounding to 1/32 leaves
    assert np.all(np.diff(variances) < 1e-3 * variances[:-1])


def test_provenance_names_images_and_network(data):
    assert "Fashion-MNIST" in data.provenance["images"]
    assert "EfficientNet-Lite0" in data.provenance["network"]


def test_a_linear_head_reaches_the_known_error_and_shuffled_labels_do_not(data):
    rows = data.train_embeddings[:3000]
    inputs, test_inputs = standardise(rows, rows), standardise(data.test_embeddings, rows)
    labels = data.train_labels[:3000]
    shuffled = np.random.default_rng(0).permutation(labels)
    error, chance = (
        fit_softmax(inputs, y, n_classes=10, ridge=1e-2).error(test_inputs, data.test_labels)
        for y in (labels, shuffled)
    )
    assert 0.13 < error < 0.16
    assert 0.85 < chance < 0.95


def test_numbers_are_multiples_of_the_step(data):
    integers = data.train_embeddings / FIXED_POINT_STEP
    np.testing.assert_array_equal(integers, np.round(integers))


def test_fixed_point_rounds_to_the_nearest_multiple():
    values = np.random.default_rng(0).normal(size=(50, 7)) * np.array([0.01, 0.1, 1, 4, 10, 100, 300])
    stored = to_fixed_point(values)
    assert stored["coarse"].dtype == stored["fine"].dtype == np.int8
    restored = from_fixed_point(**stored)
    assert np.abs(restored - values).max() <= FIXED_POINT_STEP / 2
    np.testing.assert_array_equal(from_fixed_point(**to_fixed_point(restored)), restored)
    with pytest.raises(ValueError, match="`embeddings` must be within ±1000 for fixed point; got 2000"):
        to_fixed_point(np.array([[2000.0]]))


# what is installed, and what the repository alone has


def test_the_installed_set_is_small_and_every_set_has_its_licence():
    assert (loaders.DATA / loaders.EFFICIENTNET_FILE).stat().st_size < 5e6
    for path in loaders.DATA.glob("*.npz"):
        assert path.name in path.with_name(f"{path.stem}.LICENCE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("load", "script"),
    [
        (load_fashion_mnist_resnet, "make_fashion_mnist_resnet --images FOLDER"),
        (load_fashion_mnist_images, "make_fashion_mnist_images --images FOLDER"),
        (lambda: load_fashion_mnist(images=True), "make_fashion_mnist_images --images FOLDER"),
        (load_wordnet, "make_wordnet --dictionary data.noun"),
    ],
    ids=["resnet", "images", "embeddings with images", "wordnet"],
)
def test_a_set_that_is_missing_names_the_command_that_makes_it(monkeypatch, tmp_path, load, script):
    monkeypatch.setattr(loaders, "DATA", tmp_path)
    (tmp_path / loaders.EFFICIENTNET_FILE).symlink_to(DATA / loaders.EFFICIENTNET_FILE)
    with pytest.raises(FileNotFoundError, match=f"to make it: python -m perceptron_pruning.datasets.{script}$"):
        load()


def test_importing_loads_neither_jax_nor_matplotlib():
    program = "import sys, perceptron_pruning.embeddings; print({'jax', 'matplotlib', 'pyarrow'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "set()"


def test_importing_leaves_the_jax_configuration_alone():
    program = (
        "import jax; before = dict(jax.config.values); import perceptron_pruning.embeddings; "
        "assert dict(jax.config.values) == before"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# definitions of words


@pytest.fixture(scope="module")
def words():
    return load_wordnet()


def test_definitions_are_as_many_and_tell_their_field(words):
    assert words.train_embeddings.shape == (15_000, 128)
    assert words.test_embeddings.shape == (5_000, 128)
    assert np.bincount(words.train_labels).size == np.bincount(words.test_labels).size == len(FIELDS)
    rows, labels = words.train_embeddings[:3000], words.train_labels[:3000]
    head = fit_softmax(standardise(rows, rows), labels, n_classes=10, ridge=1e-2)
    assert 0.15 < head.error(standardise(words.test_embeddings, rows), words.test_labels) < 0.21


def test_definitions_carry_their_licence_and_checksums(words):
    assert words.provenance["licence"] == LICENCE
    assert words.provenance["classes"] == list(FIELDS.values())
    assert len(words.provenance["sha256"]["data.noun"]) == len(words.provenance["sha256"]["weights"]) == 64


def test_definitions_are_read_from_the_dictionary(tmp_path):
    lines = [
        "  1 This software and database is being provided to you",
        '00000001 05 n 01 cat 0 000 | a feline mammal; usually furred; "the cat purred"  ',
        "00000002 20 n 01 oak 0 000 | a tree  ",
        "00000003 12 n 01 joy 0 000 | a feeling, of a field that is not among the ten  ",
    ]
    (tmp_path / "data.noun").write_text("\n".join(lines), encoding="ascii")
    sentences, labels = read_definitions(tmp_path / "data.noun")
    fields = [list(FIELDS.values())[label] for label in labels]
    assert sorted(zip(sentences, fields, strict=True)) == [
        ("a feline mammal; usually furred", "animal"),
        ("a tree", "plant"),
    ]


def test_examples_of_use_are_cut():
    assert definition('a small coin; "not worth a penny"; "a bad penny"') == "a small coin"
