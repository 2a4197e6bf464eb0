"""Three theories beside two classes of real embeddings: held where they must hold, refused where they must not."""

import math
from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.embeddings import load_fashion_mnist
from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED
from perceptron_pruning.experiments.analysis.theory_beside_data import (
    crossings,
    nearness,
    order_of_rules,
    predictions_of,
)
from perceptron_pruning.experiments.two_class import (
    OWN_LABELS,
    RULES,
    STEPS,
    TwoClassPoint,
    TwoClassSettings,
    measure,
    pair_of,
)
from perceptron_pruning.experiments.two_class_theories import THEORIES
from perceptron_pruning.figures.real_data import figure_theory_beside_data as figure
from perceptron_pruning.figures.real_data.sources import PAIRS

SETTINGS = TwoClassSettings(
    classes=(7, 9), alpha_prune=(2.0,), other_fractions=(), other_ridge=None, n_seeds=3, n_features=32
)


@pytest.fixture(scope="module")
def pair():
    return pair_of(load_fashion_mnist(), SETTINGS)


@pytest.fixture(scope="module")
def points(pair):
    return measure(pair, SETTINGS)


@pytest.fixture(scope="module")
def predictions(points):
    return predictions_of("sneaker-boot", points, THEORIES)


def of_steps(predictions, *steps):
    return [prediction for prediction in predictions if prediction.place.step in steps]


def test_pair_is_white_and_its_teacher_has_learnt(pair):
    np.testing.assert_allclose(np.cov(pair.inputs.T), np.eye(32), atol=1e-9)
    np.testing.assert_allclose(pair.inputs.mean(axis=0), 0, atol=1e-9)
    assert np.linalg.norm(pair.teacher) == pytest.approx(1)
    assert pair.label_noise == pytest.approx(np.mean((pair.test_inputs @ pair.teacher) * pair.test_labels <= 0))
    assert pair.label_noise < 0.06
    assert pair.train_noise == np.mean((pair.inputs @ pair.teacher) * pair.labels <= 0)
    assert 1 < pair.effective_dimension < 32
    assert np.all(np.diff(pair.spectrum) <= 0)


def test_few_real_examples_are_near_the_boundary(pair):
    assert pair.density_at_boundary < 0.6
    assert pair.noise_near_boundary > 2


@pytest.mark.parametrize("theory", THEORIES, ids=str)
def test_all_theories_hold_for_the_control(predictions, theory):
    """Gaussian inputs and the teacher's labels: the setting of each."""
    near = nearness(of_steps(predictions, "gaussian"), theory)
    assert near.refused == 0
    assert near.difference < 0.12


def test_real_data_are_another_world(predictions):
    """Few examples lie near the boundary of two real classes: the isotropic theory is far too pessimistic."""
    real = of_steps(predictions, *STEPS[1:])
    assert nearness(real, "isotropic").bias < -0.3
    for theory in ("plane", "whole_law"):
        assert nearness(real, theory).difference < 0.4 * nearness(real, "isotropic").difference


def test_conditions_are_more_where_labels_are_the_rows_own():
    settings = TwoClassSettings(classes=(7, 9))
    assert len(settings.conditions) == 3 + 4 + 2 + 3
    assert [condition.rule for condition in settings.conditions_of("gaussian")] == list(RULES)
    assert all(settings.conditions_of(step) == settings.conditions for step in OWN_LABELS)


def test_sizes_that_the_rows_do_not_fill_are_left_out(pair, monkeypatch):
    for name in THEORIES:  # what they say is not asked
        monkeypatch.setitem(THEORIES, name, lambda view, alphas, **told: np.ones(len(alphas)))
    few = replace(SETTINGS, alpha_prune=(1.0, 30.0), other_fractions=(0.2,), n_seeds=1)
    sizes = {(p.keep_fraction, p.alpha_prune) for p in measure(pair, few) if p.step == "real labels"}
    assert sizes == {(0.5, 1.0), (0.5, 30.0), (0.2, 1.0)}


# verdicts that turn


def made_up(log_error, *, predicted=None, noise=0.02, steps=OWN_LABELS):
    """Students whose errors follow a function of rule and α, and theories that follow another."""
    rng = np.random.default_rng(0)
    scatter = noise * np.linspace(-1, 1, 8)  # of the seeds, in any order: their mean is exact
    theirs = predicted or log_error
    return [
        TwoClassPoint(
            step=step,
            rule=rule,
            keep_fraction=0.5,
            label_aware=False,
            ridge=0.05,
            alpha_prune=alpha,
            seed=seed,
            probe_angle=0.4,
            test_error=math.exp(log_error(rule, alpha) + residual),
            isotropic=math.exp(theirs(rule, alpha)),
            plane=math.exp(theirs(rule, alpha)),
            whole_law=math.exp(theirs(rule, alpha)),
        )
        for step in steps
        for rule in RULES
        for alpha in (0.5, 1.0, 2.0, 4.0, 8.0)
        for seed, residual in enumerate(rng.permutation(scatter).tolist())
    ]


def flips(rule, alpha):
    """Hard and easy are equal at α = 2.5."""
    return -2 - 0.5 * math.log(alpha) + {"random": 0.1, "easy": 0.0, "hard": -0.3 * math.log(alpha / 2.5)}[rule]


def table_of(points):
    rows = [{"kind": "measured", "pair": next(iter(PAIRS))} | vars(point) for point in points]
    return rows + figure.derived(rows)


def verdicts(points):
    return {(claim.statement, claim.setting): claim.verdict for claim in figure.claims(table_of(points))}


def verdict_of(points, words):
    (verdict,) = {verdict for (statement, _), verdict in verdicts(points).items() if words in statement}
    return verdict


RIGHT = "whole empirical law, with nothing fitted, predicts"


def test_a_right_theory_is_confirmed():
    points = made_up(flips, steps=STEPS)
    assert set(verdicts(points).values()) <= {CONFIRMED}


@pytest.mark.parametrize(
    ("predicted", "words"),
    [
        (lambda rule, alpha: flips(rule, alpha) + 0.1, RIGHT),
        (lambda rule, alpha: flips({"hard": "easy", "easy": "hard"}.get(rule, rule), alpha), "empirical law orders"),
        (lambda rule, alpha: flips(rule, alpha) + 0.3 * (rule == "hard"), "empirical law places the flip"),
        (lambda rule, alpha: -2.0 + (rule == "hard"), "empirical law places the flip"),
    ],
    ids=["too high", "rules exchanged", "flip elsewhere", "no flip"],
)
def test_a_wrong_theory_is_refuted(predicted, words):
    assert verdict_of(made_up(flips, predicted=predicted, steps=STEPS), words) == REFUTED


def test_crossings_are_found_where_they_are():
    predictions = predictions_of("x", made_up(flips), THEORIES)
    found = crossings(predictions, "whole_law")
    assert len(found) == len(OWN_LABELS)
    for crossing in found:
        assert crossing.predicted == pytest.approx(math.log(2.5))
        assert abs(crossing.z_score) < 4
    assert order_of_rules(predictions, "whole_law")[0] > 10


def test_a_refusal_is_no_number():
    points = [replace(point, plane=math.nan) for point in made_up(flips)]
    predictions = predictions_of("x", points, THEORIES)
    near = nearness(predictions, "whole_law")
    assert (near.refused, near.conditions) == (0, len(predictions))
    half = [p if p.alpha_prune < 2 else replace(p, plane=p.whole_law) for p in points]
    assert nearness(predictions_of("x", half, THEORIES), "plane").refused == len(predictions) * 2 // 5


def test_the_picture_is_drawn(points):
    rows = [{"kind": "measured", "pair": "sneaker-boot"} | vars(point) for point in points]
    picture = figure.draw(rows + figure.derived(rows))
    titles = [axes.get_title() for axes in picture.axes]
    assert all(f" {step}: " in title for step, title in zip(STEPS, titles, strict=False))
    assert len(titles) == 2 * len(STEPS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": (7, 7)}, r"`classes` must be two labels that occur; got \(7, 7\)"),
        ({"classes": (7, 12)}, r"`classes` must be two labels that occur; got \(7, 12\)"),
        ({"n_features": 300}, r"`n_features` must be in \[1, 256\]"),
        ({"alpha_prune": (100.0,)}, "the largest pool at most 3020"),
    ],
    ids=["one class", "no such class", "features", "rows"],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        pair_of(load_fashion_mnist(), replace(SETTINGS, **change))
