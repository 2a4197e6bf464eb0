"""One number of an experiment: draw a pool, rank it, keep a part, retrain a student, test it."""

from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.keep import keep
from perceptron_pruning.experiments.plan import CHANCE, Cell
from perceptron_pruning.experiments.pools import Pool, PoolScores, pool_of
from perceptron_pruning.experiments.source import Source
from perceptron_pruning.experiments.students.heads import fit_present
from perceptron_pruning.studies.study import Output

OUTPUTS = {
    "test_error": Output(long_name="share of the test rows that the retrained student gets wrong"),
    "train_error": Output(long_name="share of the kept rows that it gets wrong"),
}


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """Retrains the student of a cell, once for each seed.

    Attributes:
        source: The data.
        scores: Scores of the pools, for all cells that need them.
        n_validation: Training rows that are in no pool, as in `Plan`.
    """

    source: Source
    scores: PoolScores
    n_validation: int

    def __call__(self, cell: Cell, trials: range) -> dict[str, np.ndarray]:
        errors = np.array([self.errors(cell, seed) for seed in trials])
        return dict(zip(OUTPUTS, errors.T, strict=True))

    def errors(self, cell: Cell, seed: int) -> tuple[float, float]:
        """Error of one student on the test rows, and on those that it was trained on."""
        pool = pool_of(self.source, cell.pool_size, seed, self.n_validation)
        kept = self.kept(cell, pool)
        inputs, test_inputs = pool.seen_by(cell.recipe)
        predict = fit_present(cell.recipe, inputs[kept], pool.labels[kept], seed)
        return (
            float(np.mean(predict(test_inputs) != pool.test_labels)),
            float(np.mean(predict(inputs[kept]) != pool.labels[kept])),
        )

    def kept(self, cell: Cell, pool: Pool) -> np.ndarray:
        """Places in the pool of what the cell's rule keeps."""
        hardness = np.zeros(cell.pool_size) if cell.metric == CHANCE else self.scores.of(cell.metric, pool)
        return keep(
            hardness, selection=cell.selection, labels=pool.labels, class_floor=cell.class_floor, seed=pool.seed
        )
