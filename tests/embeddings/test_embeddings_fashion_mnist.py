"""The packaged embeddings: their shape, their provenance, and that they carry the classes."""

import subprocess
import sys

import numpy as np
import pytest

from perceptron_pruning.datasets.loaders import load_wordnet
from perceptron_pruning.datasets.make_wordnet import FIELDS, LICENCE, definition, read_definitions
from perceptron_pruning.embeddings import fit_softmax, load_fashion_mnist
from perceptron_pruning.experiments.pools import standardise


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
    assert np.abs(correlation - np.eye(256)).max() < 1e-3  # what half precision leaves
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
