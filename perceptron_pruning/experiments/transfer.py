"""Does pruned pretraining transfer? A network's body learns some classes, a new head on it few examples of others."""

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.experiments.plan import Cell, Plan
from perceptron_pruning.experiments.pools import Pool, pool_of, standardise
from perceptron_pruning.experiments.retraining import Retraining
from perceptron_pruning.experiments.run import given_source, scores_of, study_of, table
from perceptron_pruning.experiments.source import Source
from perceptron_pruning.experiments.students.heads import STUDENTS, SoftmaxStudent, fit_present
from perceptron_pruning.experiments.students.networks import BodyT, Network
from perceptron_pruning.studies.study import Output, Study

if TYPE_CHECKING:
    import xarray as xr

OUTPUTS = {
    "test_error": Output(long_name="share of the target classes' test rows that a head on the pretrained body misses"),
    "untrained_error": Output(long_name="share of them that a head on the body before pretraining misses"),
    "source_error": Output(long_name="share of the source classes' test rows that the pretrained network gets wrong"),
}
HEAD = SoftmaxStudent()  # on features standardised by their own mean and scale; the body stays as it is
STORE = "transfer.zarr"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is learnt after pretraining. Every seed draws its own classes and examples.

    Attributes:
        n_classes: Classes that pretraining never sees, ≥ 2, drawn at random; all others, of which there must be two
            too, are its source.
        shots: Labelled training rows of each target class, drawn at random.
        draws: Draws of these rows over which the head's error is averaged: their choice is noise, not the question.

    Example:
        >>> from perceptron_pruning.experiments import Target
        >>> source, target = Target(n_classes=2).classes(5, seed=0)
        >>> len(source), len(target)
        (3, 2)
    """

    n_classes: int = 5
    shots: int = 10
    draws: int = 10

    def classes(self, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Source and target classes of a seed, each in ascending order."""
        shuffled = np.random.default_rng([seed, n_classes]).permutation(n_classes)
        return np.sort(shuffled[self.n_classes :]), np.sort(shuffled[: self.n_classes])

    def check(self, data: Embeddings, plan: Plan) -> None:
        """A `ValueError` if the data are too few, or a student has no body."""
        n_classes = int(data.train_labels.max()) + 1
        counts = np.bincount(data.train_labels[: len(data.train_labels) - plan.n_validation], minlength=n_classes)
        if not 2 <= self.n_classes <= n_classes - 2 or not 1 <= self.shots <= counts.min() or self.draws < 1:
            raise ValueError(
                f"`n_classes` must be in [2, {n_classes - 2}], `shots` in [1, {counts.min()}] and `draws` >= 1; "
                f"got {self.n_classes}, {self.shots} and {self.draws}"
            )
        fewest = min(counts[self.classes(n_classes, seed)[0]].sum() for seed in range(plan.n_seeds))
        if max(plan.pool_sizes) > fewest:
            raise ValueError(
                f"`pool_sizes` must be at most {fewest}, the rows of the source classes; got {max(plan.pool_sizes)}"
            )
        networks = [name for name, student in STUDENTS.items() if isinstance(student, Network)]
        if not set(plan.students) <= set(networks):
            raise ValueError(f"`students` must have a body to transfer, as {', '.join(networks)}; got {plan.students}")


@dataclass(frozen=True, kw_only=True)
class Transfer(Retraining):
    """Pretrains the network of a cell on what its rule keeps of the source classes, and tests it on the target's.

    Attributes:
        target: The second task.
    """

    target: Target

    def __call__(self, cell: Cell, trials: range) -> dict[str, np.ndarray]:
        errors = np.array([self.transferred(cell, seed) for seed in trials])
        return dict(zip(OUTPUTS, errors.T, strict=True))

    def transferred(self, cell: Cell, seed: int) -> tuple[float, float, float]:
        """The outputs of one seed."""
        labels = self.source.load().train_labels
        source, target = self.target.classes(int(labels.max()) + 1, seed)
        pool = pool_of(self.source, cell.pool_size, seed, self.n_validation, tuple(source))
        kept = self.kept(cell, pool)
        network = cell.recipe
        assert isinstance(network, Network)  # `Target.check` has seen to it
        inputs, test_inputs = pool.seen_by(network)
        present, numbers = np.unique(pool.labels[kept], return_inverse=True)
        rng = np.random.default_rng(seed)
        untrained = network.untrained(rng, inputs, numbers)
        body, (weights, bias) = network.trained(*untrained, inputs[kept], numbers, rng)
        of_source = np.isin(pool.test_labels, source)
        logits = network.represent(body, test_inputs[of_source]) @ weights + bias
        return (
            self._target_error(network, body, pool, target, test_inputs),
            self._target_error(network, untrained[0], pool, target, test_inputs),
            float(np.mean(present[logits.argmax(axis=1)] != pool.test_labels[of_source])),
        )

    def _target_error(
        self, network: Network[BodyT], body: BodyT, pool: Pool, target: np.ndarray, test_inputs: np.ndarray
    ) -> float:
        of_target = np.isin(pool.test_labels, target)
        tested = network.represent(body, test_inputs[of_target]).astype(np.float64)
        drawn = self.drawn(pool, target)
        features = network.represent(body, pool.seen(network, drawn.ravel())).astype(np.float64)
        errors = []
        for rows, shown in zip(drawn, np.split(features, len(drawn)), strict=True):
            predict = fit_present(HEAD, standardise(shown, shown), pool.data.train_labels[rows], pool.seed)
            errors.append(np.mean(predict(standardise(tested, shown)) != pool.test_labels[of_target]))
        return float(np.mean(errors))

    def drawn(self, pool: Pool, target: np.ndarray) -> np.ndarray:
        """Training rows of the target classes (draws, shots × classes): a seed's, for all networks and rules."""
        rng = np.random.default_rng([pool.seed, self.target.shots])
        labels = pool.data.train_labels[: len(pool.data.train_labels) - self.n_validation]
        of_class = [np.flatnonzero(labels == label) for label in target]
        return np.array(
            [
                np.concatenate([rng.choice(rows, self.target.shots, replace=False) for rows in of_class])
                for _ in range(self.target.draws)
            ]
        )


def transfer(
    data: Embeddings | Source,
    plan: Plan,
    folder: str | Path,
    *,
    target: Target | None = None,
    executor: Executor | None = None,
    task_seconds: float | None = None,
) -> "xr.Dataset":
    """Test errors on target classes after pretraining on pruned source classes; called again, it goes on.

    Every seed splits the classes, draws a pool of the source classes, prunes it as `experiment` does, trains the
    networks on that, and fits a linear head to their features of few rows of each target class.

    Args:
        data: Labelled embeddings and a test set: arrays, or a `source_of` files.
        plan: What is compared; students are networks, pools are of source classes.
        folder: Holds the store, the scores of the pools, and arrays that were given as such.
        target: The second task.
        executor, task_seconds: As for `experiment`.

    Returns:
        Arrays ``test_error``, ``untrained_error`` and ``source_error``, with the dimensions of an `experiment`.

    Raises:
        ValueError: The data are too few for plan and target, or a student is no network.
        StoreError: The folder holds another one.
        SweepError: Cells could not be computed; they are named, and all others are kept.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, fig. 4.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from tempfile import mkdtemp
        >>> from perceptron_pruning.experiments import Plan, Target, source_of, transfer
        >>> plan = Plan(pool_sizes=(100,), keep_fractions=(0.5,), students=("two_layer",), rules=("hard",), n_seeds=2)
        >>> target, source = Target(n_classes=2, draws=2), source_of("fashion-mnist")
        >>> table = transfer(source, plan, mkdtemp(), target=target, executor=ThreadPoolExecutor(1))
        >>> dict(table.test_error.sel(rule="hard", student="two_layer").squeeze().sizes)
        {'seed': 2}
    """
    from perceptron_pruning.studies.run import run_study

    folder, target = Path(folder), target or Target()
    source = given_source(data, folder)
    plan.check(source.load())
    target.check(source.load(), plan)
    whole = study(source, plan, target, folder)
    return table(run_study(whole, folder / STORE, executor=executor, task_seconds=task_seconds), plan)


def study(source: Source, plan: Plan, target: Target, folder: Path) -> Study:
    """The transfer as `run_study` takes it."""
    scores = scores_of(folder, source, plan, f"{target.n_classes}-target")
    function = Transfer(source=source, scores=scores, n_validation=plan.n_validation, target=target)
    return study_of(function, plan, OUTPUTS)
