"""How many prototypes the label-free metric needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.embeddings.keep import keep
from perceptron_pruning.embeddings.score import score
from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import effect
from perceptron_pruning.experiments.analysis.metric_claims import LABEL_FREE, SAME
from perceptron_pruning.experiments.plan import SEED
from perceptron_pruning.experiments.pools import pool_of
from perceptron_pruning.experiments.source import Source, source_of
from perceptron_pruning.experiments.students.heads import fit_present, student_named
from perceptron_pruning.experiments.tables import MEASURED, mean_of
from perceptron_pruning.figures.real_data.curves import draw_means, panel_for_each_source
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import SOURCES
from perceptron_pruning.output.layout import legend_beside
from perceptron_pruning.output.palette import fraction_colour
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Output, Study
from replica_theory.selection import KeepHardest

NAME = "prototypes"
TITLE = "Real data: the number of prototypes"
CAPTION = (
    "Test error of a softmax head retrained on the fraction f of one pool that lies farthest from its nearest of k "
    "prototypes (k-means, no labels), against k; dotted line, the number of classes. Bars: 95 % intervals over seeds. "
    "Class floor 0.5."
)
WHAT_TO_SEE = (
    "How flat the lines are between 1 and 100 prototypes, a factor of ten to either side of the number of classes "
    "(dotted), compared with their bars."
)
CLASSES = 10  # classes of every source here
FACTOR = 10  # over or under the number of classes that k may be, in the paper's words


@dataclass(frozen=True, kw_only=True)
class Prototypes:
    """A training set: the hardest fraction by its distance to so many prototypes."""

    n_clusters: int
    keep_fraction: float


@dataclass(frozen=True, kw_only=True)
class PrototypeStudents:
    """Students of a source's pools."""

    source: Source
    pool_size: int

    def __call__(self, cell: Prototypes, trials: range) -> dict[str, np.ndarray]:
        return {"test_error": np.array([self.error(cell, seed) for seed in trials])}

    def error(self, cell: Prototypes, seed: int) -> float:
        """Test error of one student."""
        pool = pool_of(self.source, self.pool_size, seed, 0)
        hardness = score(pool.inputs, metrics=[LABEL_FREE], n_clusters=cell.n_clusters, seed=seed)[LABEL_FREE]
        kept = keep(hardness, selection=KeepHardest(cell.keep_fraction), labels=pool.labels, seed=seed)
        predict = fit_present(student_named("softmax"), pool.inputs[kept], pool.labels[kept], seed)
        return float(np.mean(predict(pool.test_inputs) != pool.test_labels))


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """All numbers of prototypes, for each source, in the pools of the class floor."""
    return {f"prototypes-{source}": _study(source, settings) for source in SOURCES}


def _study(source: str, settings: Settings) -> Study:
    data, plan = source_of(source), settings.floors
    cells = [Prototypes(n_clusters=k, keep_fraction=f) for f in plan.keep_fractions for k in settings.prototypes]
    size = plan.pool_sizes[-1]
    return Study(
        function=PrototypeStudents(source=data, pool_size=size),
        cells=cells,
        outputs={"test_error": Output(long_name="share of the test rows that the retrained student gets wrong")},
        coordinates={name: [getattr(cell, name) for cell in cells] for name in ("n_clusters", "keep_fraction")},
        n_trials=plan.n_seeds,
        trial=SEED,
        seconds=[1e-4 * size * (1 + cell.n_clusters / 100) for cell in cells],
        parameters={"data": data.digest, "pool_size": size},
    )


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """A row for each student."""
    return [
        {"kind": MEASURED, "source": source, "keep_fraction": float(cell.keep_fraction)}
        | {"n_clusters": int(cell.n_clusters), SEED: seed, "test_error": float(error)}
        for source in SOURCES
        for data in [datasets[f"prototypes-{source}"]]
        for cell in (data.isel(cell=number) for number in range(data.sizes["cell"]))
        for seed, error in enumerate(cell.test_error.values)
    ]


def derived(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds."""
    return [
        {"kind": "mean", "source": source, "keep_fraction": fraction, "n_clusters": k} | mean_of(np.array(errors))
        for (source, fraction), curve in _curves(rows).items()
        for k, errors in curve.items()
    ]


def _curves(rows: Sequence[Row]) -> dict[tuple[str, float], dict[int, list[float]]]:
    """Errors of the seeds by k, for each source and fraction."""
    curves: dict[tuple[str, float], dict[int, list[float]]] = {}
    for row in rows:
        if row["kind"] == MEASURED:
            curve = curves.setdefault((row["source"], row["keep_fraction"]), {})
            curve.setdefault(row["n_clusters"], []).append(row["test_error"])
    return curves


def claims(table: Sequence[Row]) -> list[Claim]:
    """Whether all k within a factor of ten of the classes do alike: for every source and fraction."""
    return [_claim(source, fraction, curve) for (source, fraction), curve in _curves(table).items()]


def _claim(source: str, fraction: float, curve: dict[int, list[float]]) -> Claim:
    """Confirmed if every difference to k = the number of classes is within a point, refuted if one is beyond it."""
    near = [k for k in curve if k != CLASSES and CLASSES / FACTOR <= k <= CLASSES * FACTOR]
    return Claim(
        statement="Any number of prototypes within a factor of ten of the classes does alike, within one point",
        setting=f"{SOURCES[source]}; f = {fraction:g}",
        measurements=tuple(
            Measurement(
                quantity=f"error with k = {k} − error with k = {CLASSES}",
                effect=effect(np.subtract(curve[k], curve[CLASSES])),
                criterion="within",
                reference=SAME,
            )
            for k in near
        ),
        figure=NAME,
        tested_on=SOURCES[source],
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each source."""
    figure, panels = panel_for_each_source(table, _draw, xlabel=r"prototypes, $k$", height=3.0)
    with styled():
        panels[0, 0].plot([], [], ":", color="0.4", lw=1, label="dotted: number of classes")
        legend_beside(figure, panels[0, 0], below=True)
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    for fraction in sorted({row["keep_fraction"] for row in rows}):
        line = [row for row in rows if row["keep_fraction"] == fraction]
        draw_means(axes, line, "n_clusters", color=fraction_colour(fraction), label=f"f = {fraction:g}")
    axes.axvline(CLASSES, color="0.4", ls=":", lw=1, zorder=0)
    axes.set(xscale="log")
    plain_ticks(axes)
