"""The command ``score``."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from perceptron_pruning.commands.preflight import check_images, check_output, only_run
from perceptron_pruning.embeddings.io.columns import read_column
from perceptron_pruning.embeddings.io.open import metadata_column
from perceptron_pruning.embeddings.recommendation.request import LEAST_ROWS
from perceptron_pruning.embeddings.recommendation.result import Recommendation
from perceptron_pruning.embeddings.runtime.process_group import current_process_group, join
from perceptron_pruning.embeddings.runtime.progress import TerminalProgress
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, KMeansSettings, RidgeSettings, ScoreSettings
from perceptron_pruning.embeddings.scores import SUFFIXES, Scores, part_path

ADVISED_ROWS = 10_000  # on which the recommendation of the report is raced, at most
BYTES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The process group that scores together.

    Attributes
    ----------
    coordinator
        HOST:PORT of process 0, the same for all. Under SLURM none of the three is needed.
    num_processes
        Number of processes.
    process_id
        Number of this process, from 0.
    """

    coordinator: str | None = None
    num_processes: int | None = None
    process_id: int | None = None


def score_command(
    embeddings: Annotated[list[str], Parameter(consume_multiple=True)],
    *,
    labels: str | None = None,
    ids: str | None = None,
    metrics: Annotated[list[str], Parameter(consume_multiple=True)] = ["all"],  # noqa: B006
    out_of_fold: bool = False,
    drop_rare: bool = False,
    stability: bool = False,
    test_embeddings: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    test_labels: str | None = None,
    output: Path = Path("scores.parquet"),
    overwrite: bool = False,
    report: Path | None = None,
    images: Path | None = None,
    texts: str | None = None,
    memory_budget: str = "2GB",
    seed: int = 0,
    kmeans: Annotated[KMeansSettings, Parameter(name="*")] = KMeansSettings(),  # noqa: B008
    heads: Annotated[HeadSettings, Parameter(name="*")] = HeadSettings(),  # noqa: B008
    ridge: Annotated[RidgeSettings, Parameter(name="*")] = RidgeSettings(),  # noqa: B008
    cluster: Cluster = Cluster(),
) -> int:
    """Score every example by pruning metrics: high = hard = keep.

    The plan with its costs is shown first. Ctrl-C keeps finished work beside the output; the same command
    resumes from it.

    Example: perceptron-pruning score embeddings.npy --labels labels.npy --output scores.parquet

    Parameters
    ----------
    embeddings
        .npy, .npz, .parquet, .safetensors or a folder of such shards; FILE:NAME picks a column or an array. Several
        are several networks' embeddings of the same examples.
    labels
        .npy, .npz, .csv, .txt or .parquet; FILE:COLUMN picks a column.
    ids
        Identifiers, in a file of one of these kinds; row numbers by default (image_path of clip-retrieval's
        metadata where there is one).
    metrics
        all, or names; margin_out_of_fold and its like, knn_disagreement and knn_shapley by name alone.
    out_of_fold
        Also margins, EL2N and memorization by heads that did not see the row.
    drop_rare
        Leave out rows whose class has no other example; the identifiers say which rows are left.
    stability
        Score a second time, with the next seed, and print the rank correlation of each metric between the two.
    test_embeddings, test_labels
        Test set, for influence.
    output
        .parquet, .csv (the authors' released layout) or .npz; NAME.json beside it is the manifest.
    overwrite
        Whether to replace an output that is there.
    report
        An .html with a quick recommendation, what five metrics mean, correlations, classes and extreme examples.
    images
        .npy of the images (n, h, w) or (n, h, w, 3), bytes, for the report.
    texts
        Texts of the examples, in a file like labels', for the report.
    memory_budget
        Bytes that may be held, such as 2GB.
    seed
        Seed of every random draw.
    """
    check_output(output, SUFFIXES, overwrite=overwrite)
    if report is not None:
        check_output(report, (".html",), overwrite=overwrite, option="--report")
    if images is not None:
        check_images(images)
    budget = bytes_of(memory_budget)
    settings = ScoreSettings(kmeans=kmeans, heads=heads, ridge=ridge, seed=seed)
    join(cluster.coordinator, cluster.num_processes, cluster.process_id)
    from perceptron_pruning.embeddings.score import score

    sources = embeddings if len(embeddings) > 1 else embeddings[0]
    folder, group = output.with_name(output.name + ".partial"), current_process_group()
    try:
        with only_run(part_path(output, group.rank, group.size)):
            scores = score(
                sources,
                None if labels is None else read_column(labels),
                metrics=metrics[0] if len(metrics) == 1 else metrics,
                out_of_fold=out_of_fold,
                drop_rare=drop_rare,
                test_embeddings=test_embeddings,
                test_labels=None if test_labels is None else read_column(test_labels),
                ids=_ids(ids, embeddings[0]),
                settings=settings,
                memory_budget=budget,
                checkpoint=folder,
                keep_checkpoint=True,
                progress=TerminalProgress(),
            )
            written = scores.save(output)
            scores.discard_checkpoint()
    except KeyboardInterrupt:
        print(f"Interrupted: finished work is in {folder}; the same command goes on there", file=sys.stderr)
        return 130
    except (ValueError, ArithmeticError, OSError, ImportError) as error:
        if group.size == 1:
            raise
        print(f"Error: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # an orderly end would wait for the others, and they for this process
    print(f"{len(scores)} metrics of {len(scores.row_ids)} examples are in {written}")
    if stability:
        print(_stability(scores, seed))
    if report is not None:
        from perceptron_pruning.embeddings.report import write_report

        place = part_path(report, scores.context.group.rank, scores.context.group.size)
        words = None if texts is None else read_column(texts)
        advice = _quick_advice(scores)
        print(f"The report is in {write_report(scores, place, images=images, texts=words, recommendation=advice)}")
    return 0


def _quick_advice(scores: Scores) -> Recommendation | None:
    """A quick recommendation for the top of the page, where a pool allows one."""
    context = scores.context
    if scores.labels is None or len(context.rows) < LEAST_ROWS or context.n_classes < 2 or context.group.size > 1:
        return None
    from perceptron_pruning.embeddings.recommend import recommend

    sample = min(len(context.rows), ADVISED_ROWS)
    return recommend(context.rows, scores.labels, quick=True, sample_rows=sample, seed=context.settings.seed)


def _stability(scores: Scores, seed: int) -> str:
    """Rank correlations of the metrics with those of the next seed."""
    from scipy.stats import rankdata

    from perceptron_pruning.embeddings.score import score_again
    from perceptron_pruning.embeddings.stability import correlation, stability_text

    again = score_again(scores, seed + 1)
    found = {name: correlation(rankdata(values), rankdata(again[name])) for name, values in scores.items()}
    return stability_text(found, (seed, seed + 1))


def _ids(spec: str | None, embeddings: str) -> np.ndarray | None:
    """Identifiers from the given file, or from clip-retrieval's metadata; None for row numbers."""
    column = metadata_column(Path(embeddings), "image_path") if spec is None else spec
    return None if column is None else read_column(column)


def bytes_of(text: str) -> float:
    """Bytes of a size such as 2GB, 500 MB or 1GiB.

    Raises:
        ValueError: It is none.
    """
    matched = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([a-z]+)\s*", text.lower())
    try:
        size = float(matched[1]) * BYTES[matched[2]] if matched else 0.0
    except (KeyError, ValueError):
        size = 0.0
    if not size > 0:
        raise ValueError(f"`memory_budget` must be a size such as 2GB, 500MB or 1GiB; got {text}")
    return size
