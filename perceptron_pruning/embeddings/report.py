"""A page about a set of scores: rank correlations of the metrics, histograms, classes, extreme examples."""

import html
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.stats import rankdata

from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.scores import Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 40  # of each histogram
EXTREMES = 10  # examples shown at each end of a metric
MOST_CLASSES = 200  # classes in the table


@dataclass(frozen=True, kw_only=True)
class Report:
    """The numbers of the page.

    Attributes:
        metrics: Names, M of them.
        spearman: Rank correlations between them, (M, M): the paper's Figure 5A.
        histograms: Counts and edges of each metric.
        class_means: Mean percentile of each class under each metric, (C, M), in [0, 1]: high = hard.
        class_sizes, class_names: Examples and name of each class.
        hardest, easiest: Rows of the extreme examples of each metric, (M, 10).
        leverages: h of every row in a ridge head, or None without labels.
        ids: Identifiers of the rows.
    """

    metrics: list[str]
    spearman: np.ndarray
    histograms: list[tuple[np.ndarray, np.ndarray]]
    class_means: np.ndarray
    class_sizes: np.ndarray
    class_names: list[str]
    hardest: np.ndarray
    easiest: np.ndarray
    leverages: np.ndarray | None
    ids: np.ndarray


def compute(scores: Scores) -> Report:
    """The numbers of the page.

    Raises:
        ValueError: There are no scores.
    """
    if not scores:
        raise ValueError("`scores` must have a metric at least; got none")
    names, context = list(scores), scores.context
    ranks = np.array([rankdata(scores[name]) for name in names])
    order = np.array([np.argsort(-scores[name], kind="stable") for name in names])
    count = min(EXTREMES, ranks.shape[1])
    sizes = _class_sizes(context)
    return Report(
        metrics=names,
        spearman=rank_correlations(ranks),
        histograms=[np.histogram(scores[name], BINS) for name in names],
        class_means=_class_means(ranks / ranks.shape[1], context.classes, sizes),
        class_sizes=sizes,
        class_names=[] if context.class_names is None else [str(name) for name in context.class_names],
        hardest=order[:, :count],
        easiest=order[:, ::-1][:, :count],
        leverages=_leverages(context),
        ids=scores.row_ids,
    )


def _class_sizes(context: ScoringContext) -> np.ndarray:
    """Examples of each class in this process, (C,); empty without labels."""
    return np.array([], int) if context.classes is None else np.bincount(context.classes, minlength=context.n_classes)


def _leverages(context: ScoringContext) -> np.ndarray | None:
    """Leverages of the rows in a ridge head, (n,); None without labels, or if the rows are shared by processes."""
    if context.classes is None or context.group.size > 1:
        return None
    from perceptron_pruning.embeddings.metrics.memorization import leverage

    return leverage(context)


def rank_correlations(ranks: np.ndarray) -> np.ndarray:
    """Spearman's ρ from ranks (M, n); NaN where a metric is the same for all."""
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return centred @ centred.T / np.outer(lengths, lengths)


def _class_means(percentiles: np.ndarray, classes: np.ndarray | None, sizes: np.ndarray) -> np.ndarray:
    """Mean percentile of each class under each metric, (C, M); NaN for classes without an example in this process."""
    if classes is None:
        return np.empty((0, len(percentiles)))
    sums = np.array([np.bincount(classes, weights=row, minlength=len(sizes)) for row in percentiles]).T
    return np.divide(sums, sizes[:, None], out=np.full(sums.shape, np.nan), where=sizes[:, None] > 0)


def draw_correlations(report: Report) -> "Figure":
    """The Spearman matrix as a picture."""
    from matplotlib.figure import Figure

    size = len(report.metrics)
    figure = Figure(figsize=(2.5 + 0.55 * size, 2 + 0.5 * size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(report.spearman, vmin=-1, vmax=1, cmap="RdBu_r")
    axes.set_xticks(range(size), report.metrics, rotation=60, ha="right")
    axes.set_yticks(range(size), report.metrics)
    for i, j in np.ndindex(size, size):
        colour = "white" if abs(report.spearman[i, j]) > 0.6 else "black"  # legible on the dark ends of the map
        axes.text(j, i, f"{report.spearman[i, j]:.2f}", ha="center", va="center", fontsize=7, color=colour)
    figure.colorbar(image, ax=axes, label="Spearman's rank correlation")
    return figure


def draw_histograms(report: Report) -> "Figure":
    """One histogram per metric, and the leverage."""
    from matplotlib.figure import Figure

    panels = [*zip(report.metrics, report.histograms, strict=True)]
    if report.leverages is not None:
        panels.append(("leverage of a ridge head", np.histogram(report.leverages, BINS)))
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3 * columns, 2.1 * rows), layout="constrained")
    for axes, (name, (counts, edges)) in zip(figure.subplots(rows, columns, squeeze=False).flat, panels, strict=False):
        axes.stairs(counts, edges, fill=True)
        axes.set_title(name, fontsize=8)
        axes.tick_params(labelsize=7)
    for axes in figure.axes[len(panels) :]:
        axes.set_axis_off()
    figure.supxlabel("score", fontsize=8)
    figure.supylabel("examples", fontsize=8)
    return figure


def write_report(scores: Scores, path: str | Path, *, images: str | Path | np.ndarray | None = None) -> Path:
    """Writes one self-contained page.

    Args:
        scores: What `score` returned.
        path: The `.html`.
        images: (n, h, w) or (n, h, w, 3) bytes, or a `.npy` of them: the extreme examples are then shown.

    Returns:
        The path.

    Raises:
        ValueError: The images are not as many as the rows, or of another shape.
        OSError: The page cannot be written.
    """
    from perceptron_pruning.output.html import drawn, write_page

    pictures = None if images is None else _checked_images(images, len(scores.row_ids))
    report = compute(scores)
    parts = [
        "<p>High = hard = keep.</p>",
        "<h2>Agreement</h2>" + drawn(draw_correlations(report), "Spearman rank correlations between the metrics"),
        "<h2>Scores</h2>" + drawn(draw_histograms(report), "A histogram of each metric's scores"),
        "<h2>Classes</h2>" + _class_table(report) if report.class_names else "",
        "<h2>Hardest and easiest</h2>" + _extremes(report, pictures),
    ]
    return write_page(Path(path), f"Pruning metrics of {len(report.ids)} examples", parts)


def _class_table(report: Report) -> str:
    """Mean percentile of each class, the hardest class first."""
    from perceptron_pruning.output.html import table

    order = np.argsort(-report.class_means.mean(axis=1), kind="stable")[:MOST_CLASSES]
    rows = [
        (report.class_names[c], int(report.class_sizes[c]), *(f"{value:.2f}" for value in report.class_means[c]))
        for c in order
    ]
    return table(("class", "examples", *report.metrics), rows, caption="Mean percentile (1 = hardest).")


def _extremes(report: Report, pictures: np.ndarray | None) -> str:
    """The hardest and the easiest examples of each metric."""
    return "\n".join(
        part
        for name, hardest, easiest in zip(report.metrics, report.hardest, report.easiest, strict=True)
        for part in (
            _examples(report, name, "hardest", hardest, pictures),
            _examples(report, name, "easiest", easiest, pictures),
        )
    )


def _examples(
    report: Report, metric: str, end: Literal["hardest", "easiest"], rows: np.ndarray, pictures: np.ndarray | None
) -> str:
    """Identifiers of some rows, and their pictures if there are."""
    from perceptron_pruning.output.html import picture

    ids = ", ".join(html.escape(str(report.ids[row])) for row in rows)
    strip = "" if pictures is None else "<br>" + picture(_strip(pictures[rows]), f"the {end} by {metric}")
    return f"<div class='strip'><b>{html.escape(metric)}</b>, {end}: {ids}{strip}</div>"


def _strip(pictures: np.ndarray) -> bytes:
    """The pictures side by side, as PNG."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, np.concatenate([*pictures], axis=1), cmap="gray", format="png")
    return buffer.getvalue()


def _checked_images(images: str | Path | np.ndarray, n_rows: int) -> np.ndarray:
    array = np.load(images, mmap_mode="r") if isinstance(images, str | Path) else np.asarray(images)
    if array.shape[0] != n_rows or array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise ValueError(
            f"`images` must be bytes of shape ({n_rows}, h, w) or ({n_rows}, h, w, 3); got {array.dtype} {array.shape}"
        )
    return array
