"""Students retrained on subsets that no ranking gives: the selections of `select`, in the pools of an experiment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.select import select
from perceptron_pruning.experiments.plan import SEED, Plan, n_kept
from perceptron_pruning.experiments.pools import pool_of
from perceptron_pruning.experiments.source import Source
from perceptron_pruning.experiments.students.heads import Student, fit_present, student_named
from perceptron_pruning.studies.study import Output, Study

COLUMNS = ("metric", "rule", "pool_size", "keep_fraction", "kept")  # of the study's table
SELECT = "select"  # rule of the subsets that no ranking gives; their metric is the method's name
SCORING_SECONDS = 1.0  # of heads or distances for a selection in 3000 rows, about


@dataclass(frozen=True, kw_only=True)
class Selected:
    """Rows that one selection keeps of a pool, and the student trained on them.

    Attributes:
        pool_size: Examples before pruning.
        method: As for `select`.
        keep_fraction: f.
        recipe: What the student does.
    """

    pool_size: int
    method: str
    keep_fraction: float
    recipe: Student

    @property
    def kept(self) -> int:
        """Number of examples kept."""
        return n_kept(self.pool_size, self.keep_fraction)


@dataclass(frozen=True, kw_only=True)
class SelectedStudents:
    """Retrains the student of a cell, once for each seed.

    Attributes:
        source: The data.
        n_validation: Training rows that are in no pool, as in `Plan`.
    """

    source: Source
    n_validation: int

    def __call__(self, cell: Selected, trials: range) -> dict[str, np.ndarray]:
        return {"test_error": np.array([self.error(cell, seed) for seed in trials])}

    def error(self, cell: Selected, seed: int) -> float:
        """Test error of one student."""
        pool = pool_of(self.source, cell.pool_size, seed, self.n_validation)
        kept = select(pool.inputs, pool.labels, method=cell.method, keep_fraction=cell.keep_fraction, seed=seed)
        predict = fit_present(cell.recipe, pool.inputs[kept], pool.labels[kept], seed)
        return float(np.mean(predict(pool.test_inputs) != pool.test_labels))


def selections_study(source: Source, plan: Plan, methods: Sequence[str]) -> Study:
    """Every selection at the fractions below 1 of a plan's largest pools, by its first student."""
    data, recipe, size = source.load(), student_named(plan.students[0]), plan.pool_sizes[-1]
    cells = [
        Selected(pool_size=size, method=method, keep_fraction=fraction, recipe=recipe)
        for method in methods
        for fraction in plan.keep_fractions
        if fraction < 1
    ]
    n_features, n_classes = data.train_embeddings.shape[1], int(data.train_labels.max()) + 1
    return Study(
        function=SelectedStudents(source=source, n_validation=plan.n_validation),
        cells=cells,
        outputs={"test_error": Output(long_name="share of the test rows that the retrained student gets wrong")},
        coordinates={
            "metric": [cell.method for cell in cells],
            "rule": [SELECT] * len(cells),
            "pool_size": [cell.pool_size for cell in cells],
            "keep_fraction": [cell.keep_fraction for cell in cells],
            "kept": [cell.kept for cell in cells],
        },
        n_trials=plan.n_seeds,
        trial=SEED,
        seconds=[SCORING_SECONDS + recipe.seconds(cell.kept, n_features, n_classes) for cell in cells],
        parameters={"data": source.digest, "pool_size": size, "n_validation": plan.n_validation},
    )
