"""What an experiment says to do, in one sentence a student: how much may go, and by which rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr

from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.plan import CHANCE

TOLERANCE = 0.005  # error that may be lost to pruning: half a point
LEAST_SEEDS = 5  # with which a rule is chosen and judged
_WORDS = {"hard": "the hardest", "easy": "the easiest"}


@dataclass(frozen=True)
class Tried:
    """The best rule at one fraction, as seeds that did not choose it judge it.

    Attributes:
        keep_fraction: f.
        text: The rule that all seeds together choose, in words.
        is_random: Whether it is no metric's.
        against_all: Its error minus that of the whole pool; none where that was not trained.
        against_random: Its error minus that of as many at random.
    """

    keep_fraction: float
    text: str
    is_random: bool
    against_all: Effect | None
    against_random: Effect


def answers(errors: xr.DataArray, tolerance: float = TOLERANCE) -> list[str]:
    """A sentence for each student, at the largest pool.

    For each seed the rule is the one that is best on all others, so that no error is counted by which its rule was
    chosen.

    Args:
        errors: Test errors of an experiment, with its axes and the seed.
        tolerance: Error that pruning may cost, as a share.
    """
    return [_answer(errors.sel(student=name), str(name), tolerance) for name in errors.student.values]


def tried_rules(errors: xr.DataArray) -> list[Tried]:
    """The best rule of one student at each fraction below 1, ascending, in the largest pool."""
    largest = errors.isel(pool_size=-1)
    fractions = sorted(float(fraction) for fraction in errors.keep_fraction.values)
    whole = _at_random(largest, 1.0) if fractions[-1] == 1 else None
    return [_tried(largest, fraction, whole) for fraction in fractions if fraction < 1]


def _tried(largest: xr.DataArray, fraction: float, whole: np.ndarray | None) -> Tried:
    names, rows = zip(*_candidates(largest, fraction), strict=True)
    of_rule, random = np.array(rows), _at_random(largest, fraction)
    unseen = np.array([of_rule[_best_without(of_rule, seed), seed] for seed in range(random.size)])
    best = int(of_rule.mean(axis=1).argmin())
    return Tried(
        keep_fraction=fraction,
        text=names[best],
        is_random=best == 0,
        against_all=None if whole is None else effect(unseen - whole),
        against_random=effect(unseen - random),
    )


def _candidates(largest: xr.DataArray, fraction: float) -> Iterator[tuple[str, np.ndarray]]:
    """Rules in words and their errors by seed, random keeping first."""
    at = largest.sel(keep_fraction=fraction)
    yield "at random", _at_random(largest, fraction)
    floors = at.class_floor.values
    for rule, metric, floor in product((name for name in at.rule.values if name != CHANCE), at.metric.values, floors):
        floored = f" (class floor {floor:g})" if floors.size > 1 else ""
        yield f"{_WORDS[rule]} by {metric}{floored}", at.sel(rule=rule, metric=metric, class_floor=floor).values


def _at_random(largest: xr.DataArray, fraction: float) -> np.ndarray:
    return largest.sel(keep_fraction=fraction, rule=CHANCE).isel(metric=0, class_floor=0).values


def _best_without(of_rule: np.ndarray, seed: int) -> int:
    return int(np.delete(of_rule, seed, axis=1).mean(axis=1).argmin())


def _answer(errors: xr.DataArray, student: str, tolerance: float) -> str:
    size, seeds = int(errors.pool_size.values[-1]), errors.seed.size
    where = f"; for {student}, {size} rows in the pool, {seeds} seeds."
    if seeds < LEAST_SEEDS:
        few = f"{seeds} seeds are too few to choose a rule and to judge it; take {LEAST_SEEDS} or more"
        return f"Cannot tell: {few}{where}"
    tried = tried_rules(errors)
    if not tried:
        return f"Nothing was pruned{where}"
    return _sentence(tried, tolerance) + where


def _sentence(tried: list[Tried], tolerance: float) -> str:
    held = [(one, one.against_all) for one in tried if one.against_all is not None]
    if not held:
        best = min(tried, key=lambda one: one.against_random.value)
        return f"{_kept(best)}; against all rows nothing is known (train them: add 1 to the kept fractions)"
    free = [one for one, cost in held if cost.high <= tolerance]
    if free:
        return _kept(free[0])
    if all(cost.low > tolerance for _, cost in held):
        last, cost = held[-1]
        return (
            f"Keep all rows: to keep {_percent(last.keep_fraction)} costs {_points(cost)} points of error by the best "
            f"rule tried, {last.text}"
        )
    width = max(100 * cost.half_width for _, cost in held)
    likely = [
        f"{_percent(one.keep_fraction)} {one.text} ({_points(cost)})" for one, cost in held if cost.value <= tolerance
    ]
    hope = f"; likely free: {', '.join(likely)}" if likely else ""
    return f"Cannot tell within {100 * tolerance:g} points: these seeds fix differences to ± {width:.1f} points{hope}"


def _kept(one: Tried) -> str:
    against_all = "" if one.against_all is None else f"{_points(one.against_all)} points of error against all rows"
    if one.is_random or one.against_random.value >= 0:
        return f"Keep {_percent(one.keep_fraction)} at random: {against_all or 'no gain'}; no metric helps here"
    sure = "" if one.against_random.high < 0 else " (not sure)"
    both = f"{_points(one.against_random)} points against as many at random{sure}"
    return f"Keep {_percent(one.keep_fraction)}, {one.text}: {against_all}{', ' if against_all else ''}{both}"


def _points(difference: Effect) -> str:
    return f"{100 * difference.value:+.1f} ± {100 * difference.half_width:.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
