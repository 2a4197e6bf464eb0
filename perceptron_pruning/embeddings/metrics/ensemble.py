"""Metrics of an ensemble of heads: EL2N, GraNd, forgetting, DDD, active learning.

References:
    Paul et al. 2021, arXiv:2107.07075 (EL2N, GraNd); Toneva et al. 2019, arXiv:1812.05159 (forgetting); Meding et
    al. 2022, arXiv:2110.05922 (DDD); Chitta et al. 2020, arXiv:1905.12737 (active learning).
"""

from collections.abc import Set
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.metrics.device_heads import DeviceTrainedHeads, train_on_device
from perceptron_pruning.embeddings.metrics.head_ensemble import (
    Ensemble,
    Visits,
    draw_head_sampling,
    gathered,
    input_scaling,
    train_epoch,
    zero_ensemble,
)
from perceptron_pruning.embeddings.metrics.host_heads import train_on_host
from perceptron_pruning.embeddings.metrics.host_measurements import HostTrainedHeads
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.checkpoint import load_step_everywhere, save_step
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.devices import full_precision, is_host
from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup
from perceptron_pruning.embeddings.runtime.settings import (
    ACTIVE_LEARNING_SHARE,
    EARLY_METRICS,
    HEAD_BY_HEAD_CLASSES,
)

DISAGREEMENT_METRICS = {
    "ddd",
    "active_learning_entropy",
    "active_learning_mutual_information",
    "active_learning",
}


@dataclass
class ForgettingLog:
    """History of each example under each head that learns from it, from visit to visit, (n, M).

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
        """The log before the first visit."""
        shape = n_rows, n_models
        return cls(np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape, np.uint8))

    def add(self, visits: Visits, bootstrap: np.ndarray) -> None:
        """Enters the visits to a group of rows, with the bootstrap weights of all rows."""
        correct = visits.correct & (bootstrap[visits.rows] > 0)
        self.forgotten[visits.rows] += self.right[visits.rows] & ~correct
        self.learnt[visits.rows] |= correct
        self.right[visits.rows] = correct

    def scores(self, epochs: int, bootstrap: np.ndarray) -> np.ndarray:
        """Times forgotten, mean over the heads whose bootstrap has drawn the example, (n,).

        Never learnt counts as many as there were visits, more than any that was learnt can reach.
        """
        return np.where(self.learnt, self.forgotten, epochs).mean(axis=1, where=bootstrap > 0)


def ensemble_metrics(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    """The asked metrics from one training run, which stops once they are known.

    With p_m the probabilities of head m and p̄ = mean_m p_m::

        el2n                                 mean_m ‖p_m − onehot(y)‖₂ after the early epochs
        el2n_1                               ‖p_1 − onehot(y)‖₂ then, of the first, plain head
        grand                                mean_m ‖p_m − onehot(y)‖₂ √(‖x_m‖² + 1) then, x_m what head m sees of the
                                             row: the length of the gradient of its loss by W and b
        forgetting                           times that right turned to wrong, mean over heads that learn from the row
                                             (`ForgettingLog`)
        ddd                                  share of the trained heads that are wrong
        active_learning_entropy              H(p̄) = −Σ_c p̄_c ln p̄_c, in nats
        active_learning_mutual_information   H(p̄) − mean_m H(p_m), in nats
        active_learning                      1 for the 80 % of largest H(p̄), 0 for the others
    """
    with full_precision():
        return _TrainingRun(context, names).scores()


class _TrainingRun:
    """One training run of the ensemble, resumed from its checkpoint, and the scores measured on the way."""

    def __init__(self, context: ScoringContext, names: Set[str]):
        self.context, self.names, self.heads = context, names, context.settings.heads
        self.sampling = draw_head_sampling(context)
        self.ensemble = zero_ensemble(context)
        self.log = ForgettingLog.blank(len(context.rows), self.heads.n_models)
        self.early_scores: dict[str, np.ndarray] = {}
        self.epochs_done = 0

    def scores(self) -> dict[str, np.ndarray]:
        """Trains as long as the metrics need, and gives their scores."""
        self._resume()
        while self.epochs_done < self._epochs_needed():
            self._train_epoch()
        scores = dict(self.early_scores)
        if self.names & DISAGREEMENT_METRICS:
            scores |= _disagreement_scores(
                gathered(self.ensemble, self.context), self.sampling.feature_masks, self.context
            )
        if "forgetting" in self.names:
            scores["forgetting"] = self.log.scores(self.heads.epochs, self.sampling.bootstrap)
        return {name: values for name, values in scores.items() if name in self.names}

    def _epochs_needed(self) -> int:
        return self.heads.epochs if self.names - EARLY_METRICS else self.heads.early_epochs

    def _train_epoch(self) -> None:
        for ensemble, visits in train_epoch(
            self.ensemble,
            self.sampling,
            self.context,
            self.epochs_done,
            train_on_host if _head_by_head(self.context) else train_on_device,
        ):
            self.ensemble = ensemble
            self.log.add(visits, self.sampling.bootstrap)
        self.epochs_done += 1
        if self.epochs_done == self.heads.early_epochs and self.names & EARLY_METRICS:
            trained = gathered(self.ensemble, self.context)
            self.early_scores = _early_scores(trained, self.sampling.feature_masks, self.context)
        save_step(
            self.context.checkpoint,
            "heads",
            self.epochs_done,
            self.context.group,
            **{f"ensemble_{k}": np.asarray(v) for k, v in self.ensemble._asdict().items()},
            **{f"log_{k}": v for k, v in vars(self.log).items()},
            **{f"score_{k}": v for k, v in self.early_scores.items()},
        )

    def _resume(self) -> None:
        epochs_done, stored = load_step_everywhere(self.context.checkpoint, "heads", self.context.group)
        if epochs_done == 0:
            return

        def part(prefix: str) -> dict[str, np.ndarray]:
            return {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}

        self.epochs_done = epochs_done
        self.ensemble = Ensemble(**{k: jnp.asarray(v) for k, v in part("ensemble_").items()})
        self.log = ForgettingLog(**part("log_"))
        self.early_scores = part("score_")


def _early_scores(ensemble: Ensemble, masks: np.ndarray, context: ScoringContext) -> dict[str, np.ndarray]:
    """‖p − onehot‖₂, mean over the heads and that of the first; and times √(‖x‖² + 1), mean over the heads."""
    mean, first, gradient = (np.empty(len(context.rows)) for _ in range(3))
    trained = _trained(ensemble, masks, context)
    for block in blocks(context.rows, progress=context.progress, label="EL2N", widest=ensemble.bias.size):
        lengths, sizes = trained.error_lengths(block.values, context.required_classes[block.span])
        mean[block.span], first[block.span] = lengths.mean(axis=1), lengths[:, 0]
        gradient[block.span] = (lengths * sizes).mean(axis=1)
    return {"el2n": mean, "el2n_1": first, "grand": gradient}


def _disagreement_scores(ensemble: Ensemble, masks: np.ndarray, context: ScoringContext) -> dict[str, np.ndarray]:
    """DDD and the metrics of active learning, from the trained heads."""
    wrong, entropy, information = (np.empty(len(context.rows)) for _ in range(3))
    trained = _trained(ensemble, masks, context)
    for block in blocks(context.rows, progress=context.progress, label="disagreement", widest=ensemble.bias.size):
        parts = trained.disagreement(block.values, context.required_classes[block.span])
        wrong[block.span], entropy[block.span], information[block.span] = parts
    return {
        "ddd": wrong,
        "active_learning_entropy": entropy,
        "active_learning_mutual_information": information,
        "active_learning": largest_share(entropy, ACTIVE_LEARNING_SHARE, context.group),
    }


def _trained(ensemble: Ensemble, masks: np.ndarray, context: ScoringContext) -> HostTrainedHeads | DeviceTrainedHeads:
    kind = HostTrainedHeads if _head_by_head(context) else DeviceTrainedHeads
    return kind(ensemble, masks, input_scaling(context))


def _head_by_head(context: ScoringContext) -> bool:
    """Whether each head is multiplied by itself; with few classes one product of all takes less than the gathering."""
    return is_host() and context.n_classes >= HEAD_BY_HEAD_CLASSES


def largest_share(values: np.ndarray, share: float, group: ProcessGroup) -> np.ndarray:
    """1 for this share of the largest values of all processes and 0 for the others, (n,); ties go to the earlier rows.

    Args:
        values: Of the rows of this process, (n,).
        share: In (0, 1].
        group: Process group.
    """
    most = int(np.iinfo(np.int64).max)
    bits = np.asarray(values, float).view(np.int64)
    bits = np.where(bits < 0, -(bits & most), bits)  # ordered as the numbers are
    ordered = np.sort(bits)

    def at_least(bound: int) -> int:
        return int(group.all_sum(np.array(len(ordered) - np.searchsorted(ordered, bound), np.int64)))

    wanted = max(1, round(share * at_least(-most)))
    low, high = -most, most
    while low < high:  # the largest bound that enough of all values reach
        middle = low + (high - low + 1) // 2
        low, high = (middle, high) if at_least(middle) >= wanted else (low, middle - 1)
    tied = np.flatnonzero(bits == low)
    before = int(group.all_gather(np.array([tied.size]))[: group.rank].sum())
    marked = (bits > low).astype(float)
    marked[tied[: max(0, wanted - at_least(low + 1) - before)]] = 1.0
    return marked
