"""Students retrained on subsets that no ranking gives."""

import numpy as np
import pytest

from perceptron_pruning.embeddings import select
from perceptron_pruning.embeddings.selections.methods import METHODS
from perceptron_pruning.experiments.plan import Plan
from perceptron_pruning.experiments.pools import pool_of
from perceptron_pruning.experiments.selections import selections_study
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.students.heads import fit_present, student_named

PLAN = Plan(
    pool_sizes=(100, 200), keep_fractions=(0.2, 1.0), metrics=("el2n",), students=("ridge",), n_seeds=2, n_validation=50
)


@pytest.mark.parametrize("method", ["herding", "class_quotas"], ids=str)
def test_a_student_is_trained_on_what_the_selection_keeps(method):
    source = source_of("fashion-mnist")
    study = selections_study(source, PLAN, [method])
    (cell,) = study.cells
    pool = pool_of(source, 200, 1, 50)
    kept = select(pool.inputs, pool.labels, method=method, keep_fraction=0.2, seed=1)
    predict = fit_present(student_named("ridge"), pool.inputs[kept], pool.labels[kept], 1)
    expected = np.mean(predict(pool.test_inputs) != pool.test_labels)
    assert study.function(cell, range(1, 2))["test_error"] == [expected]
    assert len(kept) == cell.kept == 40


def test_every_selection_has_every_fraction_below_one():
    study = selections_study(source_of("fashion-mnist"), PLAN, METHODS)
    assert [(cell.method, cell.keep_fraction, cell.pool_size) for cell in study.cells] == [
        (method, 0.2, 200) for method in METHODS
    ]
    assert study.coordinates["metric"] == list(METHODS)
    assert set(study.coordinates["rule"]) == {"select"}
    assert study.n_trials == 2
