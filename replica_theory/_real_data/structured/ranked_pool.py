"""Students of a rule that ranks a finite pool, whose thresholds fluctuate with the pool."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from replica_theory._real_data.structured.students import StudentCurve, TrainedStudent
from replica_theory.selection import Selection
from replica_theory.selection.pool_effect import pool_effect


def over_pools(curve: StudentCurve, alphas: np.ndarray) -> Iterator[TrainedStudent]:
    """Students of one source and its rule's own thresholds, their errors those of the mean pool of αN/f examples.

    Raises:
        ValueError: It is not known what a finite pool does to the rule.
        SaddlePointError: No solution to a residual of 1e-6.
    """
    for alpha, student in zip(alphas.tolist(), curve.at(alphas), strict=True):
        others: dict[Selection, TrainedStudent] = {curve.sources[0].selection: student}
        shifts = {name: _shift(curve, alpha, name, others) for name in ("generalization_error", "noisy_test_error")}
        yield replace(student, **{name: getattr(student, name) + shift for name, shift in shifts.items()})


def _shift(curve: StudentCurve, alpha: float, name: str, others: dict[Selection, TrainedStudent]) -> float:
    """What fluctuating thresholds add to an error; students by other thresholds are remembered."""

    (source,) = curve.sources

    def error(selection: Selection) -> float:
        if selection not in others:
            changed = replace(curve, sources=[replace(source, selection=selection)])
            others[selection] = next(changed.at(np.array([alpha])))
        return getattr(others[selection], name)

    kept = round(alpha * curve.tested.normalisation)
    pool = round(kept / source.selection.keep_fraction)
    effect = pool_effect(source.selection, n_kept=kept, pool=pool, value=error)
    if effect is None:
        raise ValueError(
            "`finite_pool` needs a rule that keeps all between two ranks, such as KeepHardest(0.5), or draws "
            f"independently; got {source.selection!r}"
        )
    return effect.shift
