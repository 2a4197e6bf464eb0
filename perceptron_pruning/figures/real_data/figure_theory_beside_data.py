"""The replica prediction beside two classes of real embeddings, reality added step by step; nothing fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import degrees
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.theory_beside_data import Prediction, predictions_of, theory_holds
from perceptron_pruning.experiments.plan import SEED
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.experiments.two_class import (
    STEPS,
    Pair,
    TwoClassPoint,
    TwoClassSettings,
    measure,
    pair_of,
)
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import PAIRS
from perceptron_pruning.output.style import COLOURS, new_figure, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Output, Study

NAME = "theory_beside_data"
TITLE = "Real data: theory beside it, nothing fitted"
CAPTION = (
    "Test error of a logistic student on two classes of embeddings, retrained on the hardest, the easiest or a random "
    "half by a probe at angle θ: replica theory (lines), told α, θ, the ridge and the label noise, and measurement "
    "(dots; bars: 95 % intervals over seeds). From left to right reality is added: Gaussian inputs with the converged "
    "classifier's labels, whitened embeddings with these labels, with their own labels, and without whitening."
)
RULES = {"random": "at random", "hard": "keep hard", "easy": "keep easy"}
FACTS = ("label_noise", "train_noise", "effective_dimension", "density_at_boundary", "noise_near_boundary")
NUMBERS = ("probe_angle", "test_error", "angle_error")


@dataclass(frozen=True, kw_only=True)
class TwoClasses:
    """Students of every step, rule and α on two classes of a source, and what describes the pair."""

    source: str

    def __call__(self, settings: TwoClassSettings, trials: range) -> dict[str, np.ndarray]:
        pair = _pair(self.source, settings)
        shape = (len(trials), len(STEPS), len(settings.alpha_prune), len(settings.rules))
        points = measure(pair, settings, trials)
        numbers = {name: np.reshape([getattr(point, name) for point in points], shape) for name in NUMBERS}
        return numbers | {name: np.full(len(trials), getattr(pair, name)) for name in FACTS}


@cache
def _pair(source: str, settings: TwoClassSettings) -> Pair:
    return pair_of(source_of(source).load(), settings)


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Two classes of each source."""
    return {f"two-classes-{source}": _study(source, settings) for source in PAIRS}


def _study(source: str, settings: Settings) -> Study:
    own = replace(settings.two_class, classes=PAIRS[source][0])
    dimensions = {"step": len(STEPS), "alpha": len(own.alpha_prune), "rule": len(own.rules)}
    numbers = {name: Output(long_name=name.replace("_", " "), dimensions=dimensions) for name in NUMBERS}
    facts = {name: Output(long_name=name.replace("_", " ")) for name in FACTS}
    return Study(
        function=TwoClasses(source=source),
        cells=[own],
        outputs=numbers | facts,
        coordinates={"classes": [PAIRS[source][1]]},
        n_trials=own.n_seeds,
        trial=SEED,
        seconds=[0.01 * own.n_features * len(own.alpha_prune)],
        parameters={"data": source_of(source).digest},
    )


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """A row for each pair, and one for each student."""
    rows: list[Row] = []
    for source in PAIRS:
        data = datasets[f"two-classes-{source}"]
        facts = {name: float(data[name].values[0, 0]) for name in FACTS}
        told = {name: getattr(settings.two_class, name) for name in ("ridge", "keep_fraction", "n_features")}
        rows.append({"kind": MEASURED, "source": source} | told | facts)
        arrays = {name: data[name].values[0] for name in NUMBERS}
        rows += [
            {"kind": MEASURED, "source": source, "step": step, "rule": rule, "alpha_prune": alpha, SEED: seed}
            | {name: float(values[seed, i, j, k]) for name, values in arrays.items()}
            for seed in range(data.sizes[SEED])
            for i, step in enumerate(STEPS)
            for j, alpha in enumerate(settings.two_class.alpha_prune)
            for k, rule in enumerate(settings.two_class.rules)
        ]
    return rows


def derived(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds with their predictions."""
    return [
        {
            "kind": "mean",
            "source": source,
            "step": point.step,
            "rule": point.rule,
            "alpha_prune": point.alpha_prune,
            "probe_angle_degrees": degrees(point.probe_angle),
            "value": point.measured.value,
            "half_width": point.measured.half_width,
            "theory": point.predicted,
            "angle": point.measured_angle.value,
            "theory_angle": point.predicted_angle,
        }
        for source, (_, points) in _predictions(rows).items()
        for point in points
    ]


def _predictions(rows: Sequence[Row]) -> dict[str, tuple[Row, list[Prediction]]]:
    """Each source's pair, and its points with their predictions."""
    pairs = [row for row in rows if row["kind"] == MEASURED and row.get("step") is None]
    predictions = {}
    for pair in pairs:
        points = [
            TwoClassPoint(**{name: row[name] for name in TwoClassPoint.__dataclass_fields__})
            for row in rows
            if row["kind"] == MEASURED and row["source"] == pair["source"] and row.get("step") is not None
        ]
        told = TwoClassSettings(
            classes=PAIRS[pair["source"]][0], ridge=pair["ridge"], keep_fraction=pair["keep_fraction"]
        )
        predictions[pair["source"]] = pair, predictions_of(points, pair["label_noise"], told)
    return predictions


def claims(table: Sequence[Row]) -> list[Claim]:
    """Whether the theory holds on every step of every pair, and what of the pair it does not know."""
    return [
        replace(
            theory_holds(
                [prediction for prediction in predictions if prediction.step == step],
                f"{PAIRS[source][1]}; {step}",
                theory_claims=step == STEPS[0],
                note=_why(pair, step),
            ),
            figure=NAME,
        )
        for source, (pair, predictions) in _predictions(table).items()
        for step in STEPS
    ]


def _why(pair: Row, step: str) -> str:
    """What this step adds that the theory does not know, in numbers."""
    reasons = {
        STEPS[1]: f"Test rows near the boundary: {pair['density_at_boundary']:.2f} of a Gaussian's",
        STEPS[2]: (
            f"Labels that the converged classifier misses: {pair['label_noise']:.1%} (of training rows "
            f"{pair['train_noise']:.1%}), {pair['noise_near_boundary']:.1f} times as often near the boundary "
            "as if they were spread evenly"
        ),
        STEPS[3]: f"Effective dimension of the spectrum: {pair['effective_dimension']:.1f} of {pair['n_features']}",
    }
    return reasons.get(step, "The control: inputs and labels as the theory assumes")


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a row of panels for each pair, a column for each step."""
    rows = [row for row in table if row["kind"] != MEASURED]
    sources, steps = (list(dict.fromkeys(row[name] for row in rows)) for name in ("source", "step"))
    with styled():
        figure = new_figure(2.4 * len(steps) + 0.6, 2.4 * len(sources) + 0.5)
        panels = figure.subplots(len(sources), len(steps), sharex=True, sharey="row", squeeze=False)
        for line, source in zip(panels, sources, strict=True):
            for axes, step in zip(line, steps, strict=True):
                _draw(axes, [row for row in rows if (row["source"], row["step"]) == (source, step)])
            line[0].set_ylabel(f"{PAIRS[source][1]}\n" + r"test error, $\varepsilon$")
        for axes, step in zip(panels[0], steps, strict=True):
            axes.set_title(step)
        for axes in panels[-1]:
            axes.set_xlabel(r"kept examples per dimension, $\alpha$")
        panels[0, 0].legend(loc="lower left")
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    for (rule, label), colour in zip(RULES.items(), COLOURS, strict=False):
        line = [row for row in rows if row["rule"] == rule]
        alphas = [row["alpha_prune"] for row in line]
        axes.plot(alphas, [row["theory"] for row in line], color=colour, label=label)
        measured, half_widths = [row["value"] for row in line], [row["half_width"] for row in line]
        axes.errorbar(alphas, measured, half_widths, fmt="o", ms=3.5, color=colour)
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)
    angle = f"θ = {rows[0]['probe_angle_degrees']:.0f}°"
    axes.text(0.97, 0.95, angle, transform=axes.transAxes, ha="right", va="top", fontsize=8)
