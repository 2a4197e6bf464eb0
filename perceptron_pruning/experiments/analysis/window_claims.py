"""Which margins are worth keeping on real data: does a window beat hard, easy and random, and does theory find it?"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.analysis.window import ENDS, RANDOM, Bins, Windows, slope

SMALL_REGRET = 0.02  # of ln ε: what a good choice may cost
NEAR_ONE = 0.2  # deviation of a slope from 1 that is agreement


def window_claims(windows: Sequence[Windows], bins: Sequence[Bins], in_words: dict[str, str]) -> list[Claim]:
    """Every claim; of windows one for each pair and size."""
    return [
        *(_beats(window, in_words[window.pair]) for window in windows),
        _is_found(windows),
        *(_hardest_bin(bins, alpha) for alpha in _sizes(bins)),
        *(_told(bins, alpha) for alpha in _sizes(bins)),
    ]


def _beats(windows: Windows, pair: str) -> Claim:
    share = np.median(windows.skipped[windows.inner_choice])
    return Claim(
        statement="A window that skips the hardest, chosen by theory without test rows, beats hard, easy and random",
        setting=f"{pair}; α = {windows.alpha_prune:g}, {len(windows.errors)} seeds",
        measurements=tuple(
            Measurement(quantity=f"mean ln(ε {rule}/ε window)", effect=windows.gain(rule), criterion="helps")
            for rule in (*ENDS, RANDOM)
        ),
        note=f"the window skips the hardest {share:.0%} (median of seeds)",
    )


def _is_found(windows: Sequence[Windows]) -> Claim:
    """Of all pairs and sizes: regret of the window that is best by theory."""
    return Claim(
        statement="The whole law finds the best window, hard, easy and random among the choices",
        setting=f"{_pairs(windows)}; {len(windows)} choices",
        measurements=(
            Measurement(
                quantity="mean ln(ε of the choice/ε of the best in hindsight)",
                effect=effect(np.mean([window.regret for window in windows], axis=0)),
                criterion="below",
                reference=SMALL_REGRET,
            ),
        ),
    )


def _hardest_bin(bins: Sequence[Bins], alpha: float) -> Claim:
    some = [part for part in bins if part.alpha_prune == alpha]
    return Claim(
        statement="Keeping the rows of least signed margin makes students worse",
        setting=f"{_pairs(some)}; the hardest {1 / some[0].changes.shape[1]:.0%}, α = {alpha:g}",
        measurements=(
            Measurement(
                quantity="mean change of ln ε when they are always kept instead of never",
                effect=effect(np.mean([part.changes[:, 0] for part in some], axis=0)),
                criterion="above",
            ),
        ),
    )


def _told(bins: Sequence[Bins], alpha: float) -> Claim:
    some = [part for part in bins if part.alpha_prune == alpha]
    by_slope = _slope_less_1(some, [part.influences for part in some])
    return Claim(
        statement="The whole law tells what keeping a bin's rows does",
        setting=f"{_pairs(some)}; {some[0].changes.shape[1]} bins of signed margin, α = {alpha:g}",
        measurements=(
            Measurement(
                quantity="slope of measured on predicted changes of ln ε, less 1",
                effect=_slope_less_1(some, [part.told for part in some]),
                criterion="within",
                reference=NEAR_ONE,
            ),
        ),
        note=f"by the influence alone, a derivative on rows left out: {by_slope}",
    )


def _slope_less_1(bins: Sequence[Bins], predicted: Sequence[np.ndarray]) -> Effect:
    found = slope([part.changes for part in bins], predicted)
    return replace(found, value=found.value - 1)


def _sizes(bins: Sequence[Bins]) -> list[float]:
    return sorted({part.alpha_prune for part in bins})


def _pairs(parts: Sequence[Windows] | Sequence[Bins]) -> str:
    return f"{len({part.pair for part in parts})} pairs of classes"
