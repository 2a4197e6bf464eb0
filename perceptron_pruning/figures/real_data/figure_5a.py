"""Figure 5A: how far the metrics agree on which examples are hard."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.plan import SEED
from perceptron_pruning.experiments.pools import PoolScores, pool_of
from perceptron_pruning.experiments.run import scores_of
from perceptron_pruning.experiments.source import Source, source_of
from perceptron_pruning.experiments.tables import MEASURED, mean_of
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import SOURCES
from perceptron_pruning.output.layout import new_panels, outer_labels
from perceptron_pruning.output.style import no_grid, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Output, Study

NAME = "5A"
TITLE = "Real data: how far the metrics agree"
CAPTION = (
    "Spearman's rank correlation of all pairs of metrics (high = hard) over the examples of one pool, mean over seeds; "
    "metrics, by number the same in columns as in rows, in the order of a hierarchical clustering of all sources' mean."
)
WHAT_TO_SEE = (
    "Light squares: families of metrics that call the same examples hard. Dark stripes: metrics that rank "
    "otherwise than the rest, prototypes without labels among them. Whether the three sources show the same "
    "families."
)


_COLOURS = "magma"  # from dark, where metrics disagree, to light
_LEAST = -0.4  # correlation at the dark end


@dataclass(frozen=True, kw_only=True)
class Correlations:
    """Rank correlations of the metrics of an experiment, over the pool of a seed, by the experiment's own scores."""

    source: Source
    scores: PoolScores
    n_validation: int

    def __call__(self, pool_size: int, trials: range) -> dict[str, np.ndarray]:
        return {"correlation": np.array([self.matrix(pool_size, seed) for seed in trials])}

    def matrix(self, pool_size: int, seed: int) -> np.ndarray:
        """(metrics, metrics)."""
        pool = pool_of(self.source, pool_size, seed, self.n_validation)
        scores = np.column_stack([self.scores.of(metric, pool) for metric in self.scores.metrics])
        return np.corrcoef(rankdata(scores, axis=0), rowvar=False)


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """One matrix a seed, for each source."""
    return {f"correlations-{source}": _study(source, settings, folder) for source in SOURCES}


def _study(source: str, settings: Settings, folder: Path) -> Study:
    data, plan = source_of(source), settings.benchmark
    correlations = Correlations(source=data, scores=scores_of(folder, data, plan), n_validation=plan.n_validation)
    dimensions = {"metric": len(plan.metrics), "other_metric": len(plan.metrics)}
    return Study(
        function=correlations,
        cells=plan.pool_sizes,
        outputs={"correlation": Output(long_name="Spearman's rank correlation", dimensions=dimensions)},
        coordinates={"pool_size": plan.pool_sizes},
        n_trials=plan.n_seeds,
        trial=SEED,
        seconds=[1 + 1e-3 * size for size in plan.pool_sizes],
        parameters={"data": data.digest, "plan": asdict(plan)},
    )


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """A row for each pair of metrics and seed."""
    metrics = settings.benchmark.metrics
    return [
        {"kind": MEASURED, "source": source, "first": metrics[i], "second": metrics[j]}
        | {SEED: seed, "correlation": float(matrix[i, j])}
        for source in SOURCES
        for seed, matrix in enumerate(datasets[f"correlations-{source}"].correlation.values[-1])
        for i, j in itertools.combinations(range(len(metrics)), 2)
    ]


def derived(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds."""
    pairs: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        pairs.setdefault((row["source"], row["first"], row["second"]), []).append(row["correlation"])
    return [
        {"kind": "mean", "source": source, "first": first, "second": second} | mean_of(np.array(values))
        for (source, first, second), values in pairs.items()
    ]


def claims(table: Sequence[Row]) -> list[Claim]:
    """None: that metrics differ is shown, not predicted."""
    return []


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a matrix for each source."""
    rows = [row for row in table if row["kind"] == "mean"]
    names = list(dict.fromkeys(name for row in rows for name in (row["first"], row["second"])))
    sources = list(dict.fromkeys(row["source"] for row in rows))
    matrices = [_matrix([row for row in rows if row["source"] == source], names) for source in sources]
    order = _order(np.mean(matrices, axis=0))
    words = [
        name.replace("_", " ").replace("mutual information", "mut. inf.").replace("self supervised", "self-sup.")
        for name in names
    ]
    labels = [f"{words[i]}  {place}" for place, i in enumerate(order, 1)]
    with styled():
        figure, panels = new_panels(1, len(sources), width=3.1 * len(sources) + 1.9, height=4.2)
        shades = []
        for axes, source, matrix in zip(panels[0], sources, matrices, strict=True):
            shades.append(axes.imshow(matrix[np.ix_(order, order)], cmap=_COLOURS, vmin=_LEAST, vmax=1, aspect="auto"))
            axes.set_title(SOURCES[source])
            axes.set_xticks(range(len(labels)), [str(place) for place in range(1, len(labels) + 1)], fontsize=6.5)
            axes.set_yticks(range(len(labels)), labels, fontsize=7.5)
            no_grid(axes)
        outer_labels(panels, x=False)
        bar = figure.colorbar(
            shades[0], ax=list(panels[0]), label="Spearman's rank correlation", location="bottom", shrink=0.6, aspect=40
        )
        bar.ax.axvline(0, color="0.5", lw=1)
    return figure


def _matrix(rows: Sequence[Row], names: Sequence[str]) -> np.ndarray:
    matrix = np.eye(len(names))
    for row in rows:
        i, j = names.index(row["first"]), names.index(row["second"])
        matrix[i, j] = matrix[j, i] = row["value"]
    return matrix


def _order(matrix: np.ndarray) -> np.ndarray:
    """Order of the leaves of a tree that joins the most alike first."""
    return leaves_list(linkage(squareform(1 - matrix, checks=False), "average", optimal_ordering=True))
