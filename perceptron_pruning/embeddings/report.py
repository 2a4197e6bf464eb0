"""A page about a set of scores: a recommendation, what the metrics mean, their agreement, classes, extreme examples."""

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from perceptron_pruning.embeddings.metrics.meanings import MEANINGS, shown_by_default
from perceptron_pruning.embeddings.metrics.witnesses import Witnesses, witnesses_of
from perceptron_pruning.embeddings.recommendation.difficulty import DOUBTFUL_MARGIN, SIGNED
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.scores import Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perceptron_pruning.embeddings.recommendation.result import Recommendation

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
        doubtful: Share of each class whose label is in doubt, (C,), or None.
        witnesses: Predictions and neighbours of the extreme examples, or None under several processes.
        labels: Of the rows, or None.
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
    doubtful: np.ndarray | None
    witnesses: Witnesses | None
    labels: np.ndarray | None


def compute(scores: Scores, metrics: Sequence[str] | None = None) -> Report:
    """The numbers of the page, of all metrics or of some.

    Raises:
        ValueError: There are no scores, or no such metric among them.
    """
    if not scores:
        raise ValueError("`scores` must have a metric at least; got none")
    names, context = list(scores) if metrics is None else list(metrics), scores.context
    missing = [name for name in names if name not in scores]
    if missing or not names:
        raise ValueError(f"`metrics` must be among {', '.join(scores)}; got {missing[0] if missing else 'none'}")
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
        doubtful=_doubtful_shares(scores, sizes),
        witnesses=None
        if context.group.size > 1
        else witnesses_of(order[:, [*range(count), *range(-count, 0)]], context),
        labels=scores.labels,
    )


def _doubtful_shares(scores: Scores, sizes: np.ndarray) -> np.ndarray | None:
    """Share of each class whose label is in doubt, (C,); None without out-of-fold margins."""
    if SIGNED not in scores or scores.context.classes is None:
        return None
    counts = np.bincount(scores.context.classes, weights=-scores[SIGNED] < DOUBTFUL_MARGIN, minlength=len(sizes))
    return counts / np.maximum(sizes, 1)


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


def write_report(
    scores: Scores,
    path: str | Path,
    *,
    metrics: Sequence[str] | None = None,
    images: str | Path | np.ndarray | None = None,
    texts: ArrayLike | None = None,
    recommendation: "Recommendation | None" = None,
) -> Path:
    """Writes one self-contained page.

    Args:
        scores: What `score` returned.
        path: The `.html`.
        metrics: Those that are shown; five by default.
        images: (n, h, w) or (n, h, w, 3) bytes, or a `.npy` of them: the extreme examples are then shown.
        texts: (n,): those of the extreme examples are then shown.
        recommendation: What `recommend` said of the same pool, for the top of the page.

    Returns:
        The path.

    Raises:
        ValueError: The images or texts are not as many as the rows, or a metric is not among the scores.
        OSError: The page cannot be written.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> from perceptron_pruning.embeddings import load_fashion_mnist, score, write_report
        >>> data = load_fashion_mnist()
        >>> scores = score(data.train_embeddings[:300], data.train_labels[:300], metrics="margin")
        >>> write_report(scores, Path(mkdtemp()) / "report.html").name
        'report.html'
    """
    from perceptron_pruning.output.html import drawn, write_page

    pictures = None if images is None else _checked_images(images, len(scores.row_ids))
    words = None if texts is None else _checked_texts(texts, len(scores.row_ids))
    report = compute(scores, shown_by_default(list(scores)) if metrics is None and scores else metrics)
    parts = [
        "" if recommendation is None else _recommended(recommendation),
        "<h2>Metrics</h2><p>High = hard = keep.</p>" + _meanings(report.metrics),
        "<h2>Agreement</h2>" + drawn(draw_correlations(report), "Spearman rank correlations between the metrics"),
        "<h2>Scores</h2>" + drawn(draw_histograms(report), "A histogram of each metric's scores"),
        "<h2>Classes</h2>" + _class_table(report) if report.class_names else "",
        "<h2>Hardest and easiest</h2>" + _extremes(report, pictures, words),
    ]
    return write_page(Path(path), f"Pruning metrics of {len(report.ids)} examples", parts)


def _recommended(recommendation: "Recommendation") -> str:
    """The answer, its picture, and what it rests on."""
    from perceptron_pruning.embeddings.recommendation.picture import draw
    from perceptron_pruning.output.html import drawn

    answer, *rest = recommendation.text.splitlines()
    return (
        f"<h2>Recommendation</h2><p><b>{html.escape(answer)}</b></p>"
        + drawn(draw(recommendation), "Change of error against the fraction kept")
        + f"<pre class='wide'>{html.escape(chr(10).join(rest))}</pre>"
    )


def _meanings(metrics: Sequence[str]) -> str:
    lines = [f"<li><b>{html.escape(name)}</b>: {MEANINGS.get(name, 'A metric of one’s own.')}</li>" for name in metrics]
    return f"<ul>{''.join(lines)}</ul>"


def _class_table(report: Report) -> str:
    """Each class with the share of labels in doubt, if known, and its mean percentiles; the worst class first."""
    from perceptron_pruning.output.html import table

    doubtful = report.doubtful
    worst = report.class_means.mean(axis=1) if doubtful is None else doubtful
    order = np.argsort(-worst, kind="stable")[:MOST_CLASSES]
    head = ("class", "examples", *(() if doubtful is None else ("label in doubt",)), *report.metrics)
    rows = [
        (
            report.class_names[c],
            int(report.class_sizes[c]),
            *(() if doubtful is None else (f"{doubtful[c]:.3f}",)),
            *(f"{value:.2f}" for value in report.class_means[c]),
        )
        for c in order
    ]
    return table(head, rows, caption="Mean percentile (1 = hardest).")


def _extremes(report: Report, pictures: np.ndarray | None, texts: np.ndarray | None) -> str:
    """The hardest and the easiest examples of each metric."""
    return "\n".join(
        part
        for name, hardest, easiest in zip(report.metrics, report.hardest, report.easiest, strict=True)
        for part in (
            _examples(report, name, "hardest", hardest, pictures, texts),
            _examples(report, name, "easiest", easiest, pictures, texts),
        )
    )


def _examples(
    report: Report,
    metric: str,
    end: Literal["hardest", "easiest"],
    rows: np.ndarray,
    pictures: np.ndarray | None,
    texts: np.ndarray | None,
) -> str:
    """Some rows with label, prediction, neighbours and text, and their pictures if there are."""
    from perceptron_pruning.output.html import picture, table

    strip = "" if pictures is None else picture(_strip(pictures[rows]), f"the {end} by {metric}")
    columns = {"id": [report.ids[row] for row in rows]}
    if report.labels is not None:
        columns["label"] = [report.labels[row] for row in rows]
    if report.witnesses is not None:
        columns |= _testimony(report, report.witnesses, rows)
    if texts is not None:
        columns["text"] = [texts[row] for row in rows]
    listed = table(tuple(columns), zip(*columns.values(), strict=True), caption=f"{metric}, {end}")
    return f"<div class='strip'>{listed}{strip}</div>"


def _testimony(report: Report, witnesses: Witnesses, rows: np.ndarray) -> dict[str, list[str]]:
    """Predictions and neighbours of some rows."""
    places = [witnesses.place(row) for row in rows]
    columns = {}
    if witnesses.predicted is not None:
        columns["predicted"] = [report.class_names[witnesses.predicted[place]] for place in places]
    columns["nearest"] = [", ".join(_named(report, other) for other in witnesses.nearest[place]) for place in places]
    return columns


def _named(report: Report, row: int) -> str:
    return f"{report.ids[row]}" + ("" if report.labels is None else f" ({report.labels[row]})")


def _checked_texts(texts: ArrayLike, n_rows: int) -> np.ndarray:
    values = np.asarray(texts).astype(str)
    if values.shape != (n_rows,):
        raise ValueError(f"`texts` must be one per row, shape ({n_rows},); got {values.shape}")
    return values


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
