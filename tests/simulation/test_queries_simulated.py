"""Expectation propagation of students that agree with labels, against the version space of few dimensions."""

import math

import numpy as np
import pytest

from perceptron_pruning.figures.field.queries import Posterior, Queries
from replica_theory import bisecting_queries


def test_the_centre_is_the_mean_of_the_version_space():
    rng = np.random.default_rng(1)
    teacher, examples = rng.standard_normal(3), rng.standard_normal((6, 3))
    examples *= np.sign(examples @ teacher)[:, None]
    posterior = Posterior.prior(3)
    for example in examples:
        posterior.add(example)
    for _ in range(30):
        for number in range(len(examples)):
            posterior.refine(number)
    students = rng.standard_normal((400_000, 3))
    agreeing = students[(students @ examples.T > 0).all(1)]
    assert len(agreeing) > 2000
    centre = agreeing.mean(0)
    cosine = centre @ posterior.mean / np.linalg.norm(centre) / np.linalg.norm(posterior.mean)
    assert math.degrees(math.acos(min(cosine, 1.0))) < 3
    assert np.linalg.norm(posterior.mean) == pytest.approx(np.linalg.norm(centre), rel=0.05)


def test_queries_in_twenty_four_dimensions_are_near_the_limit():
    errors = Queries(24, (1.0, 2.0), 3).all_errors(60)
    limit = bisecting_queries(np.array([1.0, 2.0])).generalization_error
    spread = errors.std(0) / math.sqrt(len(errors))
    assert np.all(np.abs(errors.mean(0) - limit) < 4 * np.hypot(spread, 2 / 24 * limit))
    assert np.all(spread < 0.05 * limit)
