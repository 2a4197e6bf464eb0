"""A pilot's forecasts: made of the pilot alone, and judged by what choosing by them costs."""

import math
from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.embeddings import load_fashion_mnist
from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED
from perceptron_pruning.experiments import pilot
from perceptron_pruning.experiments.analysis.pilot_forecast import (
    FORECAST,
    always,
    best_fixed_rule,
    best_rules,
    beyond,
    by_forecast,
    log_differences,
    outcomes_of,
    regrets,
    within,
)
from perceptron_pruning.experiments.pilot import PilotSettings, pilot_errors, pilot_pair
from perceptron_pruning.experiments.pilot_forecasts import FORECASTS, Pilot
from perceptron_pruning.experiments.plan import RULES, SEED
from perceptron_pruning.experiments.real_pool import real_pool
from perceptron_pruning.experiments.two_class import pair_with
from perceptron_pruning.figures.real_data import figure_pilot as figure
from replica_theory.selection import KeepHardest, KeepRandom

SETTINGS = PilotSettings(
    classes=(2, 4),
    n_features=32,
    pilot_rows=(300, 600),
    pool_sizes=(300, 1200),
    keep_fractions=(0.5,),
    draws=3,
    n_seeds=2,
)


@pytest.fixture(scope="module")
def pair():
    return pilot_pair(load_fashion_mnist(), SETTINGS)


@pytest.fixture(scope="module")
def numbers(pair):
    return [pilot_errors(pair, SETTINGS, seed) for seed in range(SETTINGS.n_seeds)]


def test_forecasts_are_near_students_of_larger_pools(numbers):
    measured = np.mean([seed["test_error"] for seed in numbers], axis=0)
    for name in ("plane", "whole_law"):
        forecast = np.mean([seed[name] for seed in numbers], axis=0)
        assert forecast.shape == (2, len(SETTINGS.conditions))
        assert np.sqrt(np.mean(np.log(measured / forecast) ** 2)) < 0.25


def test_forecasts_see_no_test_row(pair, numbers):
    others = replace(pair, test_inputs=pair.test_inputs[:50], test_labels=-pair.test_labels[:50])
    again = pilot_errors(others, SETTINGS, 0)
    assert not np.any(again["test_error"] == numbers[0]["test_error"])
    for name in FORECASTS:
        np.testing.assert_array_equal(again[name], numbers[0][name])


def test_forecasts_see_no_row_beyond_the_pilot(pair, numbers, monkeypatch):
    """Other labels of all rows that are in no pilot change the students, and no forecast."""
    beyond_pilots = max(SETTINGS.pilot_rows)

    def relabelled(*place, **told):
        pool = real_pool(*place, **told)
        sign = np.where(np.arange(len(pool.labels)) < beyond_pilots, 1.0, -1.0)
        return replace(pool, labels=pool.labels * sign)

    monkeypatch.setattr(pilot, "real_pool", relabelled)
    again = pilot_errors(pair, SETTINGS, 0)
    assert np.all(again["test_error"] > numbers[0]["test_error"])
    for name in FORECASTS:
        np.testing.assert_array_equal(again[name], numbers[0][name])


def test_theories_go_on_beyond_the_pilot_and_cross_validation_does_not(pair):
    rows = np.random.default_rng(0).permutation(len(pair.labels))[:400]
    few = Pilot(inputs=pair.inputs[rows], labels=pair.labels[rows], probe=pair.teacher)

    def errors(name):
        return [
            FORECASTS[name](few, KeepHardest(0.5), pool_size=size, ridge=0.05, rng=np.random.default_rng(1))
            for size in (200, 400, 6400)
        ]

    plane, cross_validation = errors("plane"), errors("retrained")
    assert plane[0] > plane[1] > 1.2 * plane[2]
    assert cross_validation[0] > cross_validation[1] == cross_validation[2]


def test_the_whole_law_within_the_pilot_is_that_of_all_rows(pair):
    """Random keeping draws from the whole pilot until it is used up, and then all rows weigh more."""
    few = Pilot(inputs=pair.inputs[:400], labels=pair.labels[:400], probe=pair.teacher)
    errors = [
        FORECASTS["whole_law"](few, KeepRandom(0.5), pool_size=size, ridge=0.05, rng=np.random.default_rng(1))
        for size in (100, 400, 800, 3200)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[3] == pytest.approx(errors[2], rel=0.3)  # no new rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pool_sizes": (2000, 9000)}, "the largest pool at most"),
        ({"pilot_rows": (9000,)}, "the largest pool at most"),
        ({"n_features": 300}, r"`n_features` must be in \[1, 256\]"),
    ],
    ids=["pool", "pilot", "features"],
)
def test_too_few_rows_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        pilot_pair(load_fashion_mnist(), replace(SETTINGS, **change))


def test_a_pair_with_rows_enough_is_the_same_pair(pair):
    more = pair_with(load_fashion_mnist(), SETTINGS.classes, n_features=32, rows_needed=100)
    np.testing.assert_array_equal(more.inputs, pair.inputs)


# verdicts that turn

PILOTS, SIZES = (500, 1000), (500, 1000, 2000)


def truth(rule, size):
    """Easy is best of 500 rows, hard of 2000; random is second everywhere."""
    slope = {"hard": -0.8, "random": -0.5, "easy": -0.2}[rule]
    return 0.1 * (size / 1000) ** slope * (0.97 if rule == "random" else 1.0)


def made_up(forecasts=None, *, noise=0.01):
    """Measured rows of a truth, and of forecasts (rule, pool size, pilot) by name; right ones where none is given."""
    rng = np.random.default_rng(0)
    rules = {name: lambda rule, size, pilot: truth(rule, size) for name in FORECASTS} | {
        "retrained": lambda rule, size, pilot: truth(rule, min(size, pilot)),  # blind beyond the pilot
        "plane": lambda rule, size, pilot: truth(rule, size) * (1.1 if size <= pilot else 1.0),
        "whole_law": lambda rule, size, pilot: truth(rule, size) * (1.2 if size > pilot else 1.0),
    }
    rules |= forecasts or {}
    rows = []
    for seed in range(6):
        for size in SIZES:
            for rule in RULES:
                error = truth(rule, size) * math.exp(noise * rng.standard_normal())
                where = {"kind": "measured", "pair": "sneaker-boot", "pool_size": size, "keep_fraction": 0.5}
                where |= {"rule": rule, SEED: seed}
                rows.append(where | {"test_error": error, "standard_error": noise * error})
                rows += [
                    where | {"pilot_rows": pilot} | {name: f(rule, size, pilot) for name, f in rules.items()}
                    for pilot in PILOTS
                ]
    return rows


def verdicts(rows):
    found = figure.claims(rows + figure.derived(rows))
    assert {claim.figure for claim in found} == {figure.NAME}
    return {(claim.statement, "pools larger" in claim.setting): claim.verdict for claim in found}


BETTER = "A pilot's forecast chooses rules better than "
COSTS = "Choosing between hard, easy and random by a pilot's forecast costs little against hindsight"
PLANE = "The cross-fitted plane and bulk forecasts nearer than the whole law"
LEVEL = "A pilot's forecast has the right level on average"
LAW = "The whole law forecasts nearer than the cross-fitted plane and bulk"


def test_a_right_forecast_is_confirmed():
    found = verdicts(made_up())
    assert len(found) == 12
    for beyond_it in (False, True):
        assert found[BETTER + "always random", beyond_it] == CONFIRMED
        assert found[COSTS, beyond_it] == CONFIRMED
    assert found[BETTER + "the one rule that is best for all", False] == CONFIRMED
    assert found[BETTER + "cross-validation within the pilot", True] == CONFIRMED
    assert found[BETTER + "cross-validation within the pilot", False] != CONFIRMED  # which is as good
    assert found[LAW, False] == found[PLANE, True] == CONFIRMED
    assert found[LEVEL, False] == found[LEVEL, True] == CONFIRMED


def upside_down(rule, size, pilot):
    return truth({"hard": "easy", "easy": "hard", "random": "random"}[rule], size) * (1.5 if rule == "random" else 1)


@pytest.mark.parametrize(
    ("name", "beyond_it", "statements"),
    [
        ("whole_law", False, [BETTER + "always random", COSTS, LAW]),
        ("plane", True, [BETTER + "always random", COSTS, BETTER + "the one rule that is best for all", PLANE]),
    ],
    ids=["within", "beyond"],
)
def test_a_wrong_forecast_is_refuted(name, beyond_it, statements):
    found = verdicts(made_up({name: upside_down}))
    for statement in statements:
        assert found[statement, beyond_it] == REFUTED, statement


def test_a_level_that_is_too_high_is_told_and_chooses_as_well():
    found = verdicts(made_up({"plane": lambda rule, size, pilot: 1.3 * truth(rule, size)}))
    assert found[LEVEL, True] == REFUTED
    assert found[LEVEL, False] == found[COSTS, True] == CONFIRMED


def test_cross_validation_that_knows_better_is_told():
    right = {"retrained": lambda rule, size, pilot: truth(rule, size), "plane": upside_down}
    assert verdicts(made_up(right))[BETTER + "cross-validation within the pilot", True] == REFUTED


def test_choices_and_their_cost_are_what_they_should_be():
    outcomes = outcomes_of(made_up(noise=0.0))
    best = best_rules(outcomes)
    assert [best["sneaker-boot", size, 0.5] for size in SIZES] == ["easy", "random", "hard"]
    assert {outcome.distance for outcome in within(outcomes)} == {0.5, 1.0}
    assert {outcome.distance for outcome in beyond(outcomes)} == {2.0, 4.0}
    assert regrets(outcomes, by_forecast(FORECAST), best) == pytest.approx(np.zeros(6))
    costs = [math.log(truth("random", size) / truth(best["sneaker-boot", size, 0.5], size)) for size in SIZES]
    assert regrets(outcomes, always("random"), best) == pytest.approx(np.full(6, np.mean(costs)))
    assert best_fixed_rule(outcomes, best) == "random"
    assert log_differences(within(outcomes), "plane") == pytest.approx(np.full(6, math.log(1.1)))
    assert log_differences(within(outcomes), FORECAST) == pytest.approx(np.zeros(6), abs=1e-12)


def test_a_refusal_is_neither_chosen_nor_counted():
    refused = {"plane": lambda rule, size, pilot: math.nan if rule == "hard" else truth(rule, size)}
    outcomes = beyond(outcomes_of(made_up(refused)))
    assert {by_forecast(FORECAST)(outcome) for outcome in outcomes} <= {"easy", "random"}
    assert np.all(np.isfinite(log_differences(outcomes, "plane")))


def test_a_forecast_of_no_error_counts_half_a_row():
    outcomes = outcomes_of(made_up({"whole_law": lambda rule, size, pilot: 0.0}))
    assert set(within(outcomes)[0].predicted(FORECAST).values()) == {0.5 / within(outcomes)[0].pilot_rows}


def test_the_picture_is_drawn():
    rows = made_up()
    picture = figure.draw(rows + figure.derived(rows))
    assert len(picture.axes) == 4
    labels = picture.axes[3].get_legend_handles_labels()[1]
    assert set(labels) == {*figure.WORDS.values(), *(f"always {rule}" for rule in RULES)}
