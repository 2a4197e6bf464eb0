"""Rounds of self-training: known numbers, one round at a time, what verification does, and simulation."""

import math

import numpy as np
import pytest

from perceptron_pruning import simulate_self_training
from replica_theory import (
    EmpiricalRisk,
    KeepHardest,
    KeepRandom,
    LogisticNoise,
    Verified,
    curated_risk,
    empirical_risk,
    self_training,
)

ANGLES = {"generator_angle": math.radians(20), "oracle_angle": math.radians(15)}
SQUARE = {"loss": "square", "ridge": 0.3}
AGREED = Verified(KeepRandom(), 1.0, 0.0)
CURATIONS = {"all": KeepRandom(), "agreed": AGREED, "hard": KeepHardest(0.5)}


@pytest.mark.parametrize(
    ("rule", "known"),
    [(KeepRandom(), [0.1233, 0.1343, 0.1443, 0.1537]), (AGREED, [0.0884, 0.0914, 0.0965, 0.0998])],
    ids=["all", "agreed"],
)
def test_four_rounds_as_worked_out_by_hand(rule, known):
    students = self_training(20.0, rounds=4, selection=rule, **SQUARE, **ANGLES)
    assert [student.generalization_error for student in students] == pytest.approx(known, abs=5.1e-5)


@pytest.mark.parametrize("rule", CURATIONS.values(), ids=CURATIONS)
def test_the_first_round_is_curation_and_the_second_starts_from_its_student(rule):
    first, second = self_training(5.0, rounds=2, selection=rule, label_noise=LogisticNoise(0.1), **SQUARE, **ANGLES)
    alone = curated_risk(5.0, selection=rule, label_noise=LogisticNoise(0.1), **SQUARE, **ANGLES)
    assert first == alone
    assert second.generator_angle == pytest.approx(math.pi * first.generalization_error, rel=1e-15)
    assert math.cos(second.mutual_angle) == pytest.approx(first.student.probe_overlap, rel=1e-14)


def test_without_curation_a_round_is_a_student_of_a_worse_teacher():
    """Unselected labels of a student at an angle: cos(error on truth) is the product of cosines, round by round."""
    students = self_training(10.0, rounds=3, selection=KeepRandom(), **SQUARE, **ANGLES)
    own = empirical_risk(10.0, selection=KeepRandom(), **SQUARE).overlap
    overlap = math.cos(ANGLES["generator_angle"])
    for student in students:
        overlap *= own
        assert math.cos(math.pi * student.generalization_error) == pytest.approx(overlap, rel=1e-9)


@pytest.mark.parametrize("rule", CURATIONS.values(), ids=CURATIONS)
def test_simulated_chains_have_the_theorys_errors(rule):
    """N = 150: the pools' own order 1/N is below .01 of the error here."""
    theory = self_training(8.0, rounds=3, selection=rule, loss="logistic", ridge=0.05, **ANGLES)
    errors = simulate_self_training(
        8.0, rounds=3, selection=rule, student=EmpiricalRisk("logistic", 0.05), n_features=150, n_trials=40, **ANGLES
    )
    for student, simulated in zip(theory, errors, strict=True):
        allowed = 4 * simulated.std(ddof=1) / math.sqrt(simulated.size) + 0.012 * student.generalization_error
        assert abs(simulated.mean() - student.generalization_error) < allowed


def test_trials_are_the_same_in_any_split():
    setting = {
        "rounds": 2,
        "selection": AGREED,
        "student": EmpiricalRisk("square", 0.3),
        "n_features": 20,
        **ANGLES,
    }
    whole = simulate_self_training(3.0, n_trials=5, **setting)
    parts = [simulate_self_training(3.0, n_trials=n, first_trial=first, **setting) for first, n in ((0, 2), (2, 3))]
    assert np.array_equal(whole, np.concatenate(parts, axis=1))


@pytest.mark.parametrize("rounds", [0, 1.5, True, "two"], ids=["none", "half", "bool", "text"])
def test_rounds_are_a_whole_number(rounds):
    with pytest.raises(ValueError, match="rounds"):
        self_training(2.0, rounds=rounds, selection=KeepRandom(), **SQUARE, **ANGLES)
