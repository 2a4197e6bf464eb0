"""Difficulties of the whole pool, to which the chosen rule is applied."""

from dataclasses import replace

import numpy as np

from perceptron_pruning.embeddings.recommendation.difficulty import (
    SCORING_RIDGE,
    TRAINED,
    Difficulty,
    difficulty_of,
    measure_difficulty,
)
from perceptron_pruning.embeddings.recommendation.heads import Head, fit_head
from perceptron_pruning.embeddings.recommendation.race import Fold, Folds, Pool


def whole_pool_difficulty(inputs: np.ndarray, classes: np.ndarray, sample: np.ndarray, folds: Folds) -> Difficulty:
    """Difficulties of all n rows; of a pool that was sampled, by heads on the sample.

    If only one fold was raced, its difficulties are taken, and the rows that it put aside are out of fold for its head
    of all others. Rows outside the sample are out of fold for a head trained on all of it.

    Args:
        inputs, classes: Of all rows, (n, d) and (n,).
        sample: Row numbers of the raced ones, ascending.
        folds: Those that were raced.
    """
    pool = folds.pool
    if len(folds.starts) == 1 and folds.last is not None:
        difficulty = _completed(pool, folds.last)
    else:
        difficulty = measure_difficulty(pool.inputs, pool.classes, pool.n_classes, pool.seed, unseen=folds.unseen)
    return difficulty if len(sample) == len(classes) else _spread(difficulty, inputs, classes, sample, pool)


def _completed(pool: Pool, fold: Fold) -> Difficulty:
    """A fold's difficulties, and those of the rows it put aside by its head of all others."""
    inputs, classes, known = pool.inputs, pool.classes, fold.difficulty
    trained = fit_head(inputs, classes, n_classes=pool.n_classes, ridge=SCORING_RIDGE, start=known.trained)
    everywhere = trained.probabilities(inputs)
    left_out = everywhere.copy()
    left_out[fold.aside] = _trained_head(known, classes[fold.rest], pool).probabilities(inputs[fold.aside])
    whole = difficulty_of(left_out, everywhere, inputs, classes, known.start)
    return replace(_with(whole, known, fold.rest), trained=trained.parameters)


def _spread(known: Difficulty, inputs: np.ndarray, classes: np.ndarray, sample: np.ndarray, pool: Pool) -> Difficulty:
    """Those of the sampled rows, and of all others by the head of all of these."""
    everywhere = _trained_head(known, pool.classes, pool).probabilities(inputs)
    return _with(difficulty_of(everywhere, everywhere, inputs, classes, known.start), known, sample)


def _trained_head(difficulty: Difficulty, classes: np.ndarray, pool: Pool) -> Head:
    assert difficulty.trained is not None
    present = np.bincount(classes, minlength=pool.n_classes) > 0
    return Head(parameters=difficulty.trained, present=present, n_evaluations=0)


def _with(whole: Difficulty, known: Difficulty, rows: np.ndarray) -> Difficulty:
    """What heads that did not see a row say of it, of some rows as it is known."""
    changed = {"doubtful": whole.doubtful.copy(), "predicted": whole.predicted.copy()}
    changed |= {name: values.copy() for name, values in whole.scores.items() if name != TRAINED}
    for name, values in changed.items():
        values[rows] = known.scores[name] if name in known.scores else getattr(known, name)
    doubtful, predicted = changed.pop("doubtful"), changed.pop("predicted")
    return replace(whole, doubtful=doubtful, predicted=predicted, scores=whole.scores | changed)
