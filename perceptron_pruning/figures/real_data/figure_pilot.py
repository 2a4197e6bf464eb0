"""What a pilot of a few hundred rows says of students on pruned pools of thousands."""

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
from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.analysis.pilot_claims import pilot_claims
from perceptron_pruning.experiments.analysis.pilot_forecast import (
    Outcome,
    best_rules,
    by_distance,
    log_differences,
    mean_regret,
    measuring_noise,
    outcomes_of,
    strategies,
)
from perceptron_pruning.experiments.pilot import PilotSettings, pilot_errors, pilot_pair
from perceptron_pruning.experiments.pilot_forecasts import FORECASTS
from perceptron_pruning.experiments.plan import RULES, SEED
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.experiments.two_class import Pair
from perceptron_pruning.figures.real_data.rules import STYLES
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import PAIRS, PAIRS_OF_CLASSES
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import BEST, COLOURS, RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import name_rules, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Output, Study

NAME = "pilot"
TITLE = "Real data: a pilot's forecast"
CAPTION = (
    "Pilots of n labelled rows of two classes of real embeddings forecast the error of logistic students on what a "
    "rule keeps of pools of M rows; no test row is seen, and nothing is fitted. A: one pair and the smallest pilot, "
    "half of the pool kept; lines are forecasts, by the whole law within the pilot (solid) and by the cross-fitted "
    "plane (dashed), dots are retrained students; means over seeds. B to D, every pair, pilot, pool size and fraction: "
    "measured against forecast error, means over seeds; root mean square of ln(measured/forecast) of a single pilot "
    "by its distance M/n; and what choosing between hard, easy and random by it costs, in ln ε against the rule that "
    "is best on average, beside keeping to one rule. Bars: 95 % intervals over seeds."
)
WHAT_TO_SEE = (
    "A: whether the lines, forecast from a pilot, meet the dots, measured later, and keep their order. C and D: "
    "up to distance 1 (pools no larger than the pilot) and beyond it, how far off the forecast is, and what "
    "choosing a rule by it costs beside always keeping to one rule: near 0 it chooses as hindsight would."
)
WORDS = {"plane": "plane, cross-fitted", "whole_law": "whole law", "retrained": "cross-validation"}
LINES = {name: STYLES.get(name, "-.") for name in WORDS}
COLOURS_OF_FORECASTS = {"plane": "black", "whole_law": "black", "retrained": BEST}
SHOWN = "pullover-coat-resnet"
NEARNESS, REGRET, NOISE, DRAWS = "nearness", "regret", "noise", "draws"


@dataclass(frozen=True, kw_only=True)
class PilotStudents:
    """Students and forecasts of every condition on two classes of a source."""

    pair: str

    def __call__(self, settings: PilotSettings, trials: range) -> dict[str, np.ndarray]:
        seeds = [pilot_errors(_pair(self.pair, settings), settings, seed) for seed in trials]
        return {name: np.stack([numbers[name] for numbers in seeds]) for name in seeds[0]}


@cache
def _pair(name: str, settings: PilotSettings) -> Pair:
    return pilot_pair(source_of(PAIRS[name].source).load(), settings)


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Each pair."""
    return {f"pilot-{name}": _study(name, settings) for name in settings.pilot_pairs}


def _study(name: str, settings: Settings) -> Study:
    own = replace(settings.pilot, classes=PAIRS[name].classes)
    conditions = {"condition": len(own.conditions)}
    pilots = {"pilot": len(own.pilot_rows)} | conditions
    return Study(
        function=PilotStudents(pair=name),
        cells=[own],
        outputs={
            "test_error": Output(long_name="mean test error over draws", dimensions=conditions),
            "standard_error": Output(long_name="its standard error", dimensions=conditions),
        }
        | {forecast: Output(long_name=f"forecast by {forecast}", dimensions=pilots) for forecast in FORECASTS},
        coordinates={"classes": [PAIRS[name].words]},
        n_trials=own.n_seeds,
        trial=SEED,
        seconds=[0.055 * len(own.pilot_rows) * len(own.conditions)],
        parameters={"data": source_of(PAIRS[name].source).digest},
    )


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """A row for the students of each seed and condition, and one for each forecast of them."""
    return [row for name in settings.pilot_pairs for row in _rows(name, settings.pilot, datasets[f"pilot-{name}"])]


def _rows(name: str, own: PilotSettings, data: xr.Dataset) -> list[Row]:
    students = [data[number].values[0] for number in ("test_error", "standard_error")]
    forecasts = {forecast: data[forecast].values[0] for forecast in FORECASTS}
    rows: list[Row] = []
    for seed in range(data.sizes[SEED]):
        for place, (size, fraction, rule) in enumerate(own.conditions):
            condition = {"kind": MEASURED, "pair": name, "pool_size": size, "keep_fraction": fraction, "rule": rule}
            error, deviation = (float(values[seed, place]) for values in students)
            rows.append(condition | {SEED: seed, "test_error": error, "standard_error": deviation})
            rows += [
                condition
                | {SEED: seed, "pilot_rows": n}
                | {forecast: float(values[seed, pilot, place]) for forecast, values in forecasts.items()}
                for pilot, n in enumerate(own.pilot_rows)
            ]
    return rows


def derived(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds with their forecasts; nearness and regret by distance."""
    outcomes = outcomes_of(row for row in rows if row["kind"] == MEASURED)
    best = best_rules(outcomes)
    found = _means(outcomes)
    for distance, some in by_distance(outcomes).items():
        found += [_number(NEARNESS, distance, name, effect(log_differences(some, name))) for name in FORECASTS]
        found.append(_number(NOISE, distance, DRAWS, effect(measuring_noise(some))))
        found += [
            _number(REGRET, distance, name, mean_regret(some, choice, best))
            for name, choice in strategies(some).items()
        ]
    return found


def _means(outcomes: Sequence[Outcome]) -> list[Row]:
    groups: dict[tuple, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((*outcome.place, outcome.pilot_rows), []).append(outcome)
    return [
        {
            "kind": "mean",
            "pair": pair,
            "pool_size": size,
            "keep_fraction": fraction,
            "rule": rule,
            "pilot_rows": pilot,
            "value": (mean := effect(np.array([o.errors[rule] for o in group]))).value,
            "half_width": mean.half_width,
        }
        | {name: float(np.mean([o.forecasts[name][rule] for o in group])) for name in FORECASTS}
        for (pair, size, fraction, pilot), group in groups.items()
        for rule in RULES
    ]


def _number(kind: str, distance: float, name: str, number: Effect) -> Row:
    return {
        "kind": kind,
        "distance": distance,
        "strategy": name,
        "value": number.value,
        "half_width": number.half_width,
    }


def claims(table: Sequence[Row]) -> list[Claim]:
    """What a pilot's forecast is worth."""
    outcomes = outcomes_of(row for row in table if row["kind"] == MEASURED)
    return [replace(claim, figure=NAME, tested_on=PAIRS_OF_CLASSES) for claim in pilot_claims(outcomes)]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table's derived rows."""
    means = [row for row in table if row["kind"] == "mean"]
    with styled():
        figure, panels = new_panels(2, 2, width=8.8, height=6.8)
        _draw_example(panels[0, 0], means)
        _draw_calibration(panels[0, 1], means)
        _draw_nearness(panels[1, 0], table)
        _draw_regret(panels[1, 1], table)
    return figure


def _draw_example(axes: Axes, means: list[Row]) -> None:
    """One pair, the smallest pilot, the fraction nearest to a half: errors against pool size."""
    pair = SHOWN if any(row["pair"] == SHOWN for row in means) else means[0]["pair"]
    pilot = min(row["pilot_rows"] for row in means)
    fraction = min((row["keep_fraction"] for row in means), key=lambda f: abs(f - 0.5))
    some = [row for row in means if (row["pair"], row["pilot_rows"], row["keep_fraction"]) == (pair, pilot, fraction)]
    for rule, colour in RULE_COLOURS.items():
        line = sorted((row for row in some if row["rule"] == rule), key=lambda row: row["pool_size"])
        places = [row["pool_size"] for row in line]
        near = [row for row in line if row["pool_size"] <= pilot]
        axes.plot(places, [row["plane"] for row in line], STYLES["plane"], color=colour, lw=1.2)
        axes.plot([row["pool_size"] for row in near], [row["whole_law"] for row in near], color=colour, lw=1.2)
        axes.errorbar(
            places,
            [row["value"] for row in line],
            [row["half_width"] for row in line],
            fmt=RULE_MARKERS[rule],
            ms=3.8,
            capsize=2,
            lw=1,
            color=colour,
        )
    axes.axvline(pilot, color="0.8", lw=0.8, zorder=0)
    name_rules(axes)
    axes.plot([], [], "-", color="0.25", lw=1.2, label="line: forecast, whole law")
    axes.plot([], [], "--", color="0.25", lw=1.2, label="dashed: forecast, plane")
    axes.set(xscale="log", yscale="log", xlabel="rows of the pool, M", ylabel=r"test error, $\varepsilon$")
    axes.set_title(f"A  {PAIRS[pair].words}, from a pilot of {pilot} rows")
    plain_ticks(axes)
    sizes = sorted({row["pool_size"] for row in some})
    axes.set_xticks(sizes, [f"{size}" for size in sizes])
    axes.legend(loc="lower left")


def _draw_calibration(axes: Axes, means: list[Row]) -> None:
    """Measured against forecast error, within and beyond the pilot."""
    ends = [min(row["value"] for row in means), max(row["value"] for row in means)]
    axes.plot(ends, ends, "-", color=COLOURS[1], lw=1)
    for beyond, forecast, colour in ((False, "whole_law", "0.6"), (True, "plane", "black")):
        some = [
            row for row in means if (row["pool_size"] > row["pilot_rows"]) == beyond and math.isfinite(row[forecast])
        ]
        label = f"{'M > n' if beyond else 'M ≤ n'}: {WORDS[forecast].partition(',')[0]}"
        axes.plot([r[forecast] for r in some], [r["value"] for r in some], ".", ms=2.5, color=colour, label=label)
    axes.set(xscale="log", yscale="log", xlabel="forecast error", ylabel="measured error")
    axes.set_title("B  forecast and measured")
    plain_ticks(axes)
    axes.legend(loc="upper left")


def _draw_nearness(axes: Axes, table: Sequence[Row]) -> None:
    """Root mean square of ln(measured/forecast) by distance."""
    for name, words in WORDS.items():
        _draw_line(axes, _line(table, NEARNESS, name), LINES[name], COLOURS_OF_FORECASTS[name], words)
    noise = _line(table, NOISE, DRAWS)
    axes.plot([row["distance"] for row in noise], [row["value"] for row in noise], ":", color="0.6", label="noise")
    _mark_distances(axes)
    axes.set(ylabel="rms of ln(measured/forecast)")
    axes.set_ylim(bottom=0)
    _raise_roof(axes, 1.2)
    axes.set_title("C  error of the forecast")
    axes.legend(loc="upper left")


def _draw_regret(axes: Axes, table: Sequence[Row]) -> None:
    """What a choice costs by distance."""
    for name, words in WORDS.items():
        _draw_line(axes, _line(table, REGRET, name), LINES[name], COLOURS_OF_FORECASTS[name], words)
    for rule, colour in RULE_COLOURS.items():
        _draw_line(axes, _line(table, REGRET, rule), "-", colour, f"always {rule}")
    axes.axhline(0, color="0.8", lw=0.8, zorder=0)
    _mark_distances(axes)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(ylabel="error above the best rule's")
    axes.set_title("D  cost of choosing by it")
    _raise_roof(axes, 1.35)
    axes.legend(loc="upper left", ncols=2)


def _raise_roof(axes: Axes, factor: float) -> None:
    """Room for a legend above what is drawn."""
    axes.set_ylim(top=axes.get_ylim()[1] * factor)


def _mark_distances(axes: Axes) -> None:
    axes.set(xscale="log", xlabel="distance, M/n")
    axes.axvline(1, color="0.8", lw=0.8, zorder=0)
    plain_ticks(axes)
    axes.set_xticks([0.125, 0.25, 0.5, 1, 2, 4], ["1/8", "1/4", "1/2", "1", "2", "4"])


def _line(table: Sequence[Row], kind: str, name: str) -> list[Row]:
    return [row for row in table if row["kind"] == kind and row["strategy"] == name]


def _draw_line(axes: Axes, rows: Sequence[Row], style: str, colour: str, label: str) -> None:
    """Points with 95 % intervals, joined."""
    axes.errorbar(
        [row["distance"] for row in rows],
        [row["value"] for row in rows],
        [row["half_width"] for row in rows],
        fmt=f"o{style}",
        ms=3,
        lw=1.1,
        capsize=2,
        elinewidth=0.8,
        color=colour,
        label=label,
    )
