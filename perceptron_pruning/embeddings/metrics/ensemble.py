"""Metrics of an ensemble of heads: EL2N, forgetting, DDD, active learning.

References:
    Paul et al. 2021, arXiv:2107.07075 (EL2N); Toneva et al. 2019, arXiv:1812.05159 (forgetting); Meding et al. 2022,
    arXiv:2110.05922 (DDD); Chitta et al. 2020, arXiv:1905.12737 (active learning).
"""

from collections.abc import Set
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.metrics.head_ensemble import (
    Ensemble,
    Visits,
    differences,
    empty_ensemble,
    train_epoch,
)
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.embeddings.runtime.devices import placed

EARLY = {"el2n", "el2n_1"}
LATE = {"ddd", "active_learning_entropy", "active_learning_mutual_information", "active_learning"}
KEPT_BY_ACTIVE_LEARNING = 0.8


@dataclass
class ForgettingLog:
    """What becomes of each example under each head, from visit to visit, (n, M).

    Attributes:
        right: Whether it was right at the last visit.
        learnt: Whether it was ever right.
        forgotten: How often right was followed by wrong.
    """

    right: np.ndarray
    learnt: np.ndarray
    forgotten: np.ndarray

    @classmethod
    def blank(cls, n_rows: int, n_models: int) -> "ForgettingLog":
        shape = n_rows, n_models
        return cls(np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape, np.uint8))

    def add(self, visits: Visits) -> None:
        self.forgotten[visits.rows] += self.right[visits.rows] & ~visits.correct
        self.learnt[visits.rows] |= visits.correct
        self.right[visits.rows] = visits.correct

    def scores(self, epochs: int) -> np.ndarray:
        """Mean over the heads of the times forgotten; never learnt counts as many as there were visits, more than
        any that was learnt can reach."""
        return np.where(self.learnt, self.forgotten, epochs).mean(axis=1)


def ensemble_metrics(pool: Pool, names: Set[str]) -> dict[str, np.ndarray]:
    """The asked metrics from one training run, which stops once they are known.

    ``el2n`` is the mean over heads of ‖p − onehot‖₂ after the early epochs, ``el2n_1`` that of the first, plain head;
    ``forgetting`` the number of times right turned to wrong (see `ForgettingLog`); ``ddd`` the share of the trained
    heads that are wrong; ``active_learning_entropy`` the entropy of their mean probabilities in nats,
    ``active_learning_mutual_information`` that entropy less the mean of theirs; ``active_learning`` is 1 for the 80 %
    of largest entropy and 0 for the rest.
    """
    with jax.enable_x64(True):
        return _Training(pool, names).run()


class _Training:
    """One training run of the ensemble, and what it has found."""

    def __init__(self, pool: Pool, names: Set[str]):
        self.pool, self.names, self.heads = pool, names, pool.settings.heads
        self.differ = differences(pool)
        self.ensemble = empty_ensemble(pool)
        self.log = ForgettingLog.blank(len(pool.rows), self.heads.n_models)
        self.scores: dict[str, np.ndarray] = {}
        self.epochs_done = 0

    def run(self) -> dict[str, np.ndarray]:
        self._resume()
        while self.epochs_done < self._epochs_needed():
            self._epoch()
        if self.names & LATE:
            self.scores |= _uncertainties(self.ensemble, self.pool)
        if "forgetting" in self.names:
            self.scores["forgetting"] = self.log.scores(self.heads.epochs)
        return {name: self.scores[name] for name in self.scores if name in self.names}

    def _epochs_needed(self) -> int:
        return self.heads.epochs if self.names - EARLY else self.heads.early_epochs

    def _epoch(self) -> None:
        for ensemble, visits in train_epoch(self.ensemble, self.differ, self.pool, self.epochs_done):
            self.ensemble = ensemble
            self.log.add(visits)
        self.epochs_done += 1
        if self.epochs_done == self.heads.early_epochs and self.names & EARLY:
            self.scores |= _error_lengths(self.ensemble, self.pool)
        self.pool.checkpoint.save(
            "heads",
            epochs_done=self.epochs_done,
            **{f"ensemble_{k}": np.asarray(v) for k, v in self.ensemble._asdict().items()},
            **{f"log_{k}": v for k, v in vars(self.log).items()},
            **{f"score_{k}": v for k, v in self.scores.items()},
        )

    def _resume(self) -> None:
        stored = self.pool.checkpoint.load("heads")
        if stored is None:
            return

        def group(prefix: str) -> dict[str, np.ndarray]:
            return {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}

        self.epochs_done = int(stored["epochs_done"])
        self.ensemble = Ensemble(**{k: jnp.asarray(v) for k, v in group("ensemble_").items()})
        self.log = ForgettingLog(**group("log_"))
        self.scores = group("score_")


def _error_lengths(ensemble: Ensemble, pool: Pool) -> dict[str, np.ndarray]:
    """Mean of ‖p − onehot‖₂ over the heads, and that of the first."""
    mean, first = np.empty(len(pool.rows)), np.empty(len(pool.rows))
    for block, inputs in _inputs(ensemble, pool, "EL2N"):
        lengths = np.asarray(_lengths(ensemble, inputs, pool.labelled[block.span]))
        mean[block.span], first[block.span] = lengths.mean(axis=1), lengths[:, 0]
    return {"el2n": mean, "el2n_1": first}


def _uncertainties(ensemble: Ensemble, pool: Pool) -> dict[str, np.ndarray]:
    """What the trained heads disagree about."""
    wrong, entropy, information = (np.empty(len(pool.rows)) for _ in range(3))
    for block, inputs in _inputs(ensemble, pool, "disagreement"):
        parts = _disagreement(ensemble, inputs, pool.labelled[block.span])
        wrong[block.span], entropy[block.span], information[block.span] = parts
    return {
        "ddd": wrong,
        "active_learning_entropy": entropy,
        "active_learning_mutual_information": information,
        "active_learning": largest_share(entropy, KEPT_BY_ACTIVE_LEARNING),
    }


def largest_share(values: np.ndarray, share: float) -> np.ndarray:
    """1 for this share of the largest values and 0 for the others; ties go to the earlier rows."""
    chosen = np.zeros(len(values))
    chosen[np.argsort(-values, kind="stable")[: max(1, round(share * len(values)))]] = 1.0
    return chosen


def _inputs(ensemble: Ensemble, pool: Pool, label: str):
    """Blocks, and their rows at unit length as the heads see them."""
    mean = pool.statistics.mean.astype(pool.rows.dtype)
    unit = pool.rows.dtype.type(1 / (pool.statistics.scale * np.sqrt(pool.rows.n_features)))
    for block in blocks(pool.rows, progress=pool.progress, label=label, widest=ensemble.bias.size):
        yield block, (placed(block.values) - mean) * unit


@jax.jit
def _lengths(ensemble: Ensemble, inputs, classes):
    """‖p − onehot‖₂ = √(‖p‖² − 2 p_y + 1) of every head, (B, M)."""
    probabilities = jax.nn.softmax(ensemble.logits(inputs))
    targets = jax.nn.one_hot(classes, probabilities.shape[2], dtype=inputs.dtype)[:, None]
    return jnp.sqrt(jnp.sum((probabilities - targets) ** 2, axis=2))


@jax.jit
def _disagreement(ensemble: Ensemble, inputs, classes):
    """Share of heads that are wrong, entropy of the mean, and mutual information, each (B,)."""
    logits = ensemble.logits(inputs)
    log_probabilities = jax.nn.log_softmax(logits)
    probabilities = jnp.exp(log_probabilities)
    mean = jnp.mean(probabilities, axis=1)
    entropy = -jnp.sum(jax.scipy.special.xlogy(mean, mean), axis=1)
    own_entropies = -jnp.sum(probabilities * log_probabilities, axis=2)
    wrong = jnp.mean(jnp.argmax(logits, axis=2) != classes[:, None], axis=1)
    return wrong, entropy, jnp.maximum(entropy - jnp.mean(own_entropies, axis=1), 0)
