"""Which margins are worth keeping of two classes of real embeddings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.evidence.effect import effect
from perceptron_pruning.experiments.analysis.window import (
    RANDOM,
    WINDOW,
    Bins,
    Windows,
    bins_of,
    windows_of,
)
from perceptron_pruning.experiments.analysis.window_claims import window_claims
from perceptron_pruning.experiments.plan import SEED
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.experiments.two_class import Pair
from perceptron_pruning.experiments.window import (
    WindowSettings,
    bin_changes,
    seeds_pool,
    window_errors,
    window_pair,
)
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import NAMES, PAIRS, PAIRS_OF_CLASSES
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels
from perceptron_pruning.output.palette import RULE_COLOURS, RULE_MARKERS, sequence
from perceptron_pruning.output.style import name_marks, name_rules, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Output, Study

NAME = "window"
TITLE = "Real data: which margins are worth keeping"
CAPTION = (
    "Logistic students on a fraction of a pool of real embeddings that lies between two quantiles of a probe's signed "
    "margin, beside the theory of the whole law (lines), nothing fitted. Above: test error against the share of the "
    "pool that is dropped for being harder than the window, from the hardest (left) to the easiest (right), and at "
    "random (dotted, rightmost dots); circles mark the window that theory chooses without test rows. Below: what "
    "keeping a bin of the ranking always instead of never does to the error at a fixed number of rows, "
    "by theory (lines; dashed: by the rows' influence alone, a derivative on rows left out) and retrained (dots); "
    "above 0 they are better dropped. Bars: 95 % intervals over seeds."
)
WHAT_TO_SEE = (
    "Above: whether a curve is lowest inside, between its blue end (the hardest kept) and its orange one (the "
    "easiest): then a window of margins beats both; circles are where theory puts it. Below: bars above 0 on the "
    "left say that the very hardest rows are better dropped."
)
NUMBERS = ("test_error", "predicted", "left_out")
CHANGES = ("change", "told", "influence")
ALPHA_COLOURS = sequence(3)[::-1]  # the more examples, the darker


@dataclass(frozen=True, kw_only=True)
class WindowStudents:
    """Students of every window and bin on two classes of a source."""

    pair: str

    def __call__(self, settings: WindowSettings, trials: range) -> dict[str, np.ndarray]:
        seeds = [_numbers(_pair(self.pair, settings), settings, seed) for seed in trials]
        return {name: np.stack([numbers[name] for numbers in seeds]) for name in seeds[0]}


def _numbers(pair: Pair, settings: WindowSettings, seed: int) -> dict[str, np.ndarray]:
    pool, rng = seeds_pool(pair, settings, seed)
    return window_errors(pool, settings, rng) | bin_changes(pool, settings, rng)


@cache
def _pair(name: str, settings: WindowSettings) -> Pair:
    return window_pair(source_of(PAIRS[name].source).load(), settings)


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Each pair."""
    return {f"window-{name}": _study(name, settings) for name in settings.window_pairs}


def _study(name: str, settings: Settings) -> Study:
    own = replace(settings.window, classes=PAIRS[name].classes)
    windows = {"alpha": len(own.alpha_prune), "selection": len(own.selections)}
    bins = {"bin_alpha": len(own.bin_alpha), "bin": own.n_bins}
    n_students = len(own.selections) * len(own.alpha_prune) * own.draws + 2 * math.prod(bins.values()) * own.bin_draws
    return Study(
        function=WindowStudents(pair=name),
        cells=[own],
        outputs={number: Output(long_name=number.replace("_", " "), dimensions=windows) for number in NUMBERS}
        | {number: Output(long_name=f"{number} of ln(test error)", dimensions=bins) for number in CHANGES},
        coordinates={"classes": [PAIRS[name].words]},
        n_trials=own.n_seeds,
        trial=SEED,
        seconds=[0.03 * (math.prod(windows.values()) + 2 * math.prod(bins.values())) + 0.002 * n_students],
        parameters={"data": source_of(PAIRS[name].source).digest},
    )


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """A row for the students of each seed and window, and one for each seed and bin."""
    own = settings.window
    return [
        {"kind": MEASURED, "pair": name} | row
        for name in settings.window_pairs
        for row in (*_window_rows(own, datasets[f"window-{name}"]), *_bin_rows(own, datasets[f"window-{name}"]))
    ]


def _window_rows(own: WindowSettings, data: xr.Dataset) -> list[Row]:
    arrays = {number: data[number].values[0] for number in NUMBERS}
    places: list[Row] = [{"rule": RANDOM}, *({"rule": WINDOW, "skipped": share} for share in own.skipped)]
    return [
        {"alpha_prune": alpha, "keep_fraction": own.keep_fraction}
        | place
        | {SEED: seed}
        | {number: float(values[seed, i, j]) for number, values in arrays.items()}
        for seed in range(data.sizes[SEED])
        for i, alpha in enumerate(own.alpha_prune)
        for j, place in enumerate(places)
    ]


def _bin_rows(own: WindowSettings, data: xr.Dataset) -> list[Row]:
    arrays = {number: data[number].values[0] for number in CHANGES}
    return [
        {"alpha_prune": alpha, "bin": number, SEED: seed}
        | {name: float(values[seed, i, number]) for name, values in arrays.items()}
        for seed in range(data.sizes[SEED])
        for i, alpha in enumerate(own.bin_alpha)
        for number in range(own.n_bins)
    ]


def derived(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds with what theory says of them, and the window that it chooses."""
    windows = [_of_windows(row) for row in windows_of(_measured(rows))]
    bins = [_of_bins(part) for part in bins_of(_measured(rows))]
    return [row for group in (*windows, *bins) for row in group]


def _measured(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["kind"] == MEASURED]


def _of_windows(windows: Windows) -> list[Row]:
    place = {"pair": windows.pair, "alpha_prune": windows.alpha_prune}
    chosen = int(windows.left_out.mean(axis=0).argmin())
    return [
        {"kind": "mean"} | place | {"rule": RANDOM} | _mean(windows.random_errors, windows.random_predicted),
        *(
            {"kind": "mean"}
            | place
            | {"rule": WINDOW, "skipped": float(share), "chosen": int(number == chosen)}
            | _mean(windows.errors[:, number], windows.predicted[:, number])
            for number, share in enumerate(windows.skipped)
        ),
    ]


def _of_bins(bins: Bins) -> list[Row]:
    return [
        {"kind": "change", "pair": bins.pair, "alpha_prune": bins.alpha_prune, "bin": number}
        | _mean(bins.changes[:, number], bins.told[:, number])
        | {"slope": float(bins.influences[:, number].mean())}
        for number in range(bins.changes.shape[1])
    ]


def _mean(values: np.ndarray, predicted: np.ndarray) -> Row:
    mean = effect(values)
    return {"value": mean.value, "half_width": mean.half_width, "theory": float(predicted.mean())}


def claims(table: Sequence[Row]) -> list[Claim]:
    """Whether a window beats hard, easy and random, and theory finds it."""
    rows = _measured(table)
    words = {name: pair.words for name, pair in PAIRS.items()}
    sources = {pair.words: NAMES[pair.source] for pair in PAIRS.values()}
    return [
        replace(claim, figure=NAME, tested_on=sources.get(claim.setting.partition("; ")[0], PAIRS_OF_CLASSES))
        for claim in window_claims(windows_of(rows), bins_of(rows), words)
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table's derived rows: windows above, bins below, a column for each pair."""
    means = [row for row in table if row["kind"] == "mean"]
    changes = [row for row in table if row["kind"] == "change"]
    pairs = list(dict.fromkeys(row["pair"] for row in means))
    colours = dict(zip(dict.fromkeys(row["alpha_prune"] for row in means), ALPHA_COLOURS, strict=False))
    with styled():
        figure, (above, below) = new_panels(2, len(pairs), width=max(2.7 * len(pairs), 5.4), height=6.0)
        for pair, windows, bins in zip(pairs, above, below, strict=True):
            _draw_windows(windows, [row for row in means if row["pair"] == pair], colours)
            _draw_bins(bins, [row for row in changes if row["pair"] == pair], colours)
            windows.set_title(PAIRS[pair].words, fontsize=8)
            bins.set_ylim(*_limits(changes))
            windows.set_ylabel(r"test error, $\varepsilon$")
            bins.set_ylabel(r"change of $\ln\varepsilon$, kept" + "\nalways rather than never")
            bins.set_title(PAIRS[pair].words, fontsize=8)
        outer_labels(np.array([below]), x=False)
        _add_legend(figure, above[0], colours)
    return figure


def _limits(changes: Sequence[Row]) -> tuple[float, float]:
    """Limits of the panels of bins, which hold every bar and line of all pairs."""
    low = min(min(row["value"] - row["half_width"], row["theory"], row["slope"]) for row in changes)
    high = max(max(row["value"] + row["half_width"], row["theory"], row["slope"]) for row in changes)
    return low - 0.05 * (high - low), high + 0.05 * (high - low)


def _draw_windows(axes: Axes, rows: Sequence[Row], colours: Mapping[float, str]) -> None:
    """Errors against the window's place: ends in the colours of hard and easy, random beside them."""
    for alpha, colour in colours.items():
        line = [row for row in rows if row["alpha_prune"] == alpha and row["rule"] == WINDOW]
        (beside,) = (row for row in rows if row["alpha_prune"] == alpha and row["rule"] == RANDOM)
        places = [row["skipped"] for row in line]
        outside = places[-1] + 0.08
        axes.plot(places, [row["theory"] for row in line], "-", color=colour, lw=1.2)
        axes.plot([0, outside], [beside["theory"]] * 2, ":", color=colour, lw=0.9)
        dots = [RULE_COLOURS["hard"], *[colour] * (len(line) - 2), RULE_COLOURS["easy"]]
        for row, dot in zip(line, dots, strict=True):
            _draw_dot(axes, row["skipped"], row, dot)
        _draw_dot(axes, outside, beside, RULE_COLOURS[RANDOM], RULE_MARKERS[RANDOM])
        chosen = next(row for row in line if row["chosen"])
        axes.plot(chosen["skipped"], chosen["theory"], "o", ms=9, mew=1.1, mec=colour, mfc="none", zorder=5)
    axes.set(yscale="log", xlabel="dropped for being harder")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    plain_ticks(axes)


def _draw_bins(axes: Axes, rows: Sequence[Row], colours: Mapping[float, str]) -> None:
    """Changes by bin, the hardest first."""
    sizes = list(dict.fromkeys(row["alpha_prune"] for row in rows))
    for number, alpha in enumerate(sizes):
        line = [row for row in rows if row["alpha_prune"] == alpha]
        middles = (np.arange(len(line)) + 0.5) / len(line)
        axes.plot(middles, [row["theory"] for row in line], "-", color=colours[alpha], lw=1.2)
        axes.plot(middles, [row["slope"] for row in line], "--", color=colours[alpha], lw=0.7)
        for middle, row in zip(middles + 0.01 * (2 * number - len(sizes) + 1), line, strict=True):
            _draw_dot(axes, middle, row, colours[alpha])
    axes.axhline(0, color="0.8", lw=0.8, zorder=0)
    axes.set(xlabel="quantile of signed margin", xlim=(0, 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _draw_dot(axes: Axes, place: float, row: Row, colour: str, marker: str = "o") -> None:
    """A mean over seeds with its 95 % interval."""
    axes.errorbar(place, row["value"], row["half_width"], fmt=marker, ms=3.4, capsize=1.5, color=colour, lw=0.9)


def _add_legend(figure: Figure, axes: Axes, colours: Mapping[float, str]) -> None:
    """One for all panels, below them."""
    name_rules(axes)
    for alpha, colour in colours.items():
        axes.plot([], [], "o-", ms=3.2, lw=1.2, color=colour, label=rf"window, $\alpha = {alpha:g}$")
    axes.plot([], [], ":", color="0.3", lw=0.9, label="dotted: theory at random")
    axes.plot([], [], "--", color="0.3", lw=0.7, label="dashed: influence")
    axes.plot([], [], "o", ms=8, mec="0.3", mfc="none", label="circle: chosen by theory")
    name_marks(axes, line="theory of the whole law", dots="measured, 95 %")
    legend_beside(figure, axes, below=True, columns=6)
