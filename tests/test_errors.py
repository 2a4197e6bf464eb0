"""Errors keep their numbers on the way from a worker process."""

import pickle

import numpy as np
import pytest

from perceptron_pruning import InaccurateError, InfeasibleError
from perceptron_pruning.embeddings import HeadFitError
from replica_theory import SaddlePointError

ERRORS = [
    SaddlePointError("no student", residual=1e-3),
    InaccurateError(1e-3, 1e-4, 7),
    InfeasibleError(np.array([0.5, 0.5, 0.0]), 1e-9, 2),
    HeadFitError("not converged", gradient=0.1),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling(error):
    back = pickle.loads(pickle.dumps(error))
    assert str(back) == str(error)
    assert vars(back).keys() == vars(error).keys()
    for name, value in vars(error).items():
        assert np.array_equal(getattr(back, name), value)
