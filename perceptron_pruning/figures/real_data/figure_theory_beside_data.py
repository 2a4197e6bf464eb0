"""Three theories beside two classes of real embeddings, reality added step by step; nothing fitted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.theory_beside_data import (
    Prediction,
    crossings,
    nearness,
    order_of_rules,
    predictions_of,
)
from perceptron_pruning.experiments.analysis.theory_claims import theory_claims
from perceptron_pruning.experiments.plan import SEED
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.experiments.two_class import (
    OWN_LABELS,
    STEPS,
    Condition,
    Pair,
    TwoClassPoint,
    TwoClassSettings,
    measure,
    pair_of,
)
from perceptron_pruning.figures.real_data.rules import STYLES
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import PAIRS, PAIRS_OF_CLASSES
from perceptron_pruning.output.layout import new_panels, share
from perceptron_pruning.output.palette import COLOURS, RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import name_rules, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Output, Study

NAME = "theory_beside_data"
TITLE = "Real data: theory beside it, nothing fitted"
CAPTION = (
    "Logistic students on two classes of real embeddings, retrained on what a probe keeps of a pool, beside three "
    "theories that are told nothing of them: of isotropic Gaussian inputs (dotted), of a measured plane with an "
    "elliptical bulk (dashed), and of the whole empirical law (solid); each predicts with the probe of every seed. "
    "Upper four: half of the pool of one pair is kept (dots; bars: 95 % intervals over seeds), and reality is added "
    "step by step: Gaussian inputs with the converged classifier's labels, whitened embeddings with these labels, "
    "with their own labels, and without whitening. Lower four: all pairs with their own labels, whitened and not: "
    "measured against predicted error, the share of pairs of rules told apart that stand in the right order, and the "
    "α at which hard and easy are equal."
)
WHAT_TO_SEE = (
    "A to D: the dotted line of isotropic theory fits the dots on Gaussian inputs and leaves them as reality is "
    "added; the solid line of the whole law stays on them. E and F: dots on the diagonal are right predictions. G "
    "and H: how often each theory orders the rules rightly, and where it puts the flip."
)
THEORIES = {"isotropic": "isotropic", "plane": "plane and bulk", "whole_law": "whole law"}
SHOWN = "pullover-coat-resnet"
NUMBERS = ("probe_angle", "test_error", *THEORIES)
FACTS = ("label_noise", "train_noise", "effective_dimension", "density_at_boundary", "noise_near_boundary")
KEYS = ("step", "rule", "keep_fraction", "label_aware", "ridge", "alpha_prune")


@dataclass(frozen=True, kw_only=True)
class TwoClasses:
    """Students of every step, condition and α on two classes of a source, and what describes the pair."""

    pair: str

    def __call__(self, settings: TwoClassSettings, trials: range) -> dict[str, np.ndarray]:
        pair = _pair(self.pair, settings)
        shape = (len(trials), len(STEPS), len(settings.conditions), len(settings.alpha_prune))
        numbers = {name: np.full(shape, np.nan) for name in NUMBERS}
        for point in measure(pair, settings, trials):
            condition = Condition(**{name: getattr(point, name) for name in Condition.__dataclass_fields__})
            place = (
                point.seed - trials.start,
                STEPS.index(point.step),
                settings.conditions.index(condition),
                settings.alpha_prune.index(point.alpha_prune),
            )
            for name, values in numbers.items():
                values[place] = getattr(point, name)
        return numbers | {name: np.full(len(trials), getattr(pair, name)) for name in FACTS}


@cache
def _pair(name: str, settings: TwoClassSettings) -> Pair:
    return pair_of(source_of(PAIRS[name].source).load(), settings)


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Each pair."""
    return {f"two-classes-{name}": _study(name, settings) for name in settings.pairs}


def _study(name: str, settings: Settings) -> Study:
    own = replace(settings.two_class, classes=PAIRS[name].classes)
    dimensions = {"step": len(STEPS), "condition": len(own.conditions), "alpha": len(own.alpha_prune)}
    numbers = {number: Output(long_name=number.replace("_", " "), dimensions=dimensions) for number in NUMBERS}
    facts = {fact: Output(long_name=fact.replace("_", " ")) for fact in FACTS}
    return Study(
        function=TwoClasses(pair=name),
        cells=[own],
        outputs=numbers | facts,
        coordinates={"classes": [PAIRS[name].words]},
        n_trials=own.n_seeds,
        trial=SEED,
        seconds=[0.3 * len(own.alpha_prune) * len(own.conditions)],
        parameters={"data": source_of(PAIRS[name].source).digest},
    )


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """A row for each pair, and one for each student."""
    rows: list[Row] = []
    for name in settings.pairs:
        data, own = datasets[f"two-classes-{name}"], settings.two_class
        facts = {fact: float(data[fact].values[0, 0]) for fact in FACTS}
        rows.append({"kind": MEASURED, "pair": name, "n_features": own.n_features} | facts)
        arrays = {number: data[number].values[0] for number in NUMBERS}
        rows += [
            {"kind": MEASURED, "pair": name, "step": step}
            | vars(condition)
            | {"label_aware": int(condition.label_aware), "alpha_prune": alpha, SEED: seed}
            | {number: float(values[seed, i, j, k]) for number, values in arrays.items()}
            for seed in range(data.sizes[SEED])
            for i, step in enumerate(STEPS)
            for j, condition in enumerate(own.conditions)
            for k, alpha in enumerate(own.alpha_prune)
            if not math.isnan(arrays["test_error"][seed, i, j, k])
        ]
    return rows


def derived(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds with their predictions."""
    return [
        {
            "kind": "mean",
            "pair": point.place.pair,
            "step": point.place.step,
            "rule": point.rule,
            "keep_fraction": point.place.keep_fraction,
            "label_aware": int(point.place.label_aware),
            "ridge": point.place.ridge,
            "alpha_prune": point.alpha_prune,
            "probe_angle_degrees": math.degrees(point.probe_angle),
            "value": point.measured.value,
            "half_width": point.measured.half_width,
        }
        | {theory: point.mean(theory) for theory in THEORIES}
        for point in _predictions(rows)
    ]


def _predictions(rows: Sequence[Row]) -> list[Prediction]:
    """Every mean with its predictions, from a table's measured rows."""
    students: dict[str, list[TwoClassPoint]] = {}
    for row in rows:
        if row["kind"] == MEASURED and row.get("step") is not None:
            point = TwoClassPoint(**{name: row[name] for name in TwoClassPoint.__dataclass_fields__})
            students.setdefault(row["pair"], []).append(point)
    return [
        prediction for pair, points in students.items() for prediction in predictions_of(pair, points, list(THEORIES))
    ]


def claims(table: Sequence[Row]) -> list[Claim]:
    """Which theory predicts students on real data, orders the rules, and places the flip."""
    return [replace(claim, figure=NAME, tested_on=PAIRS_OF_CLASSES) for claim in theory_claims(_predictions(table))]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: the steps of one pair above, all pairs below."""
    means = [row for row in table if row["kind"] == "mean"]
    predictions = _predictions(table)
    real = [prediction for prediction in predictions if prediction.place.step in OWN_LABELS]
    shown = SHOWN if any(row["pair"] == SHOWN for row in means) else means[0]["pair"]
    everywhere = [row for row in means if row["pair"] == shown and _is_everywhere(row, means)]
    with styled():
        figure, panels = new_panels(4, 2, width=8.8, height=11.4)
        above, below = panels[:2].ravel(), panels[2:].ravel()
        share(above, y=True)
        for axes, step, letter in zip(above, STEPS, "ABCD", strict=True):
            _draw_step(axes, [row for row in everywhere if row["step"] == step])
            axes.set(title=f"{letter}  {step}: {PAIRS[shown].words}", ylabel=r"test error, $\varepsilon$")
        _add_legend(above[0])
        _draw_calibration(below[0], real, ("isotropic",))
        _draw_calibration(below[1], real, ("plane", "whole_law"))
        _draw_order(below[2], real)
        _draw_crossings(below[3], real)
    return figure


def _is_everywhere(row: Row, means: Sequence[Row]) -> bool:
    """Whether a row's condition is one of the first step, as of every step."""
    keys = ("keep_fraction", "label_aware", "ridge")
    first = next(other for other in means if other["step"] == STEPS[0])
    return all(row[key] == first[key] for key in keys)


def _draw_step(axes: Axes, rows: Sequence[Row]) -> None:
    for rule, colour in RULE_COLOURS.items():
        line = sorted((row for row in rows if row["rule"] == rule), key=lambda row: row["alpha_prune"])
        alphas = [row["alpha_prune"] for row in line]
        for theory, style in STYLES.items():
            axes.plot(alphas, [row[theory] for row in line], style, color=colour, lw=1.2)
        axes.errorbar(
            alphas,
            [row["value"] for row in line],
            [row["half_width"] for row in line],
            fmt=RULE_MARKERS[rule],
            ms=3.5,
            capsize=2,
            lw=1,
            color=colour,
        )
    axes.set(xscale="log", yscale="log", xlabel=r"kept per dimension, $\alpha$")
    plain_ticks(axes)


def _add_legend(axes: Axes) -> None:
    name_rules(axes)
    for theory, style in STYLES.items():
        axes.plot([], [], style, color="0.2", lw=1.2, label=f"theory: {THEORIES[theory]}")
    axes.legend(loc="lower left")


def _draw_calibration(axes: Axes, predictions: Sequence[Prediction], theories: Sequence[str]) -> None:
    """Measured against predicted error."""
    for theory, colour in zip(theories, ("0.6", "black") if len(theories) > 1 else ("black",), strict=True):
        known = [p for p in predictions if math.isfinite(p.mean(theory))]
        near = nearness(known, theory)
        label = f"{THEORIES[theory]}: {near.difference:.3f}, noise {near.noise:.3f}"
        axes.plot(
            [p.mean(theory) for p in known], [p.measured.value for p in known], ".", ms=3, color=colour, label=label
        )
    ends = np.array([min(p.measured.value for p in predictions), max(p.measured.value for p in predictions)])
    axes.plot(ends, ends, "-", color=COLOURS[1], lw=1)
    axes.set(xscale="log", yscale="log", xlabel="predicted error", ylabel="measured error")
    axes.set_title("E  isotropic" if theories == ("isotropic",) else "F  measured on data")
    plain_ticks(axes)
    axes.set_xticks([0.01, 0.1], ["0.01", "0.1"])
    axes.legend(loc="upper left", title="rms of ln(measured/predicted)", title_fontsize=7.5)


def _draw_order(axes: Axes, predictions: Sequence[Prediction]) -> None:
    """Share of told-apart pairs of rules in the right order."""
    for place, theory in enumerate(THEORIES):
        told, right = order_of_rules(predictions, theory)
        axes.barh(place, right / max(told, 1), color="0.75", height=0.6)
        axes.text(0.02, place, f"{THEORIES[theory]}: {right} of {told}", va="center", fontsize=8.5)
    axes.set(xlim=(0, 1), yticks=[], xlabel="share of pairs of rules", title="G  rules in the right order")
    axes.invert_yaxis()


def _draw_crossings(axes: Axes, predictions: Sequence[Prediction]) -> None:
    """α at which hard and easy are equal, measured against predicted."""
    ends: list[float] = []
    for theory, marker in zip(THEORIES, ("x", "o", "s"), strict=True):
        placed = [c for c in crossings(predictions, theory) if not math.isnan(c.predicted)]
        measured = np.exp([c.log_alpha.value for c in placed])
        ends_of_bars = np.exp([(c.log_alpha.low, c.log_alpha.high) for c in placed]).reshape(-1, 2)
        errors = np.abs(ends_of_bars - measured[:, None]).T
        face = "white" if marker == "o" else "black"
        colour = "0.55" if marker == "x" else "black"
        predicted = np.exp([c.predicted for c in placed])
        axes.errorbar(
            predicted, measured, errors, fmt=marker, ms=4, lw=0.7, color=colour, label=THEORIES[theory], mfc=face
        )
        ends += [*predicted, *measured]
    if ends:
        axes.plot([min(ends), max(ends)], [min(ends), max(ends)], "-", color=COLOURS[1], lw=1)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel=r"predicted $\alpha$",
        ylabel=r"measured $\alpha$",
        title="H  where hard = easy",
    )
    plain_ticks(axes)
    axes.legend(loc="lower right")
