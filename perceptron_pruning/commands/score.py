"""The commands ``score`` and ``prune``."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter

from perceptron_pruning.embeddings.class_audit import ClassAudit, audit_text, class_audit
from perceptron_pruning.embeddings.io.columns import read_column
from perceptron_pruning.embeddings.io.open import metadata_column
from perceptron_pruning.embeddings.io.tables import read_scores
from perceptron_pruning.embeddings.keep import keep
from perceptron_pruning.embeddings.runtime.manifest import file_digest, installed
from perceptron_pruning.embeddings.runtime.process_group import LostProcessError, join
from perceptron_pruning.embeddings.runtime.progress import TerminalProgress
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, KMeansSettings, RidgeSettings, ScoreSettings
from perceptron_pruning.embeddings.scores import part_path
from perceptron_pruning.output.atomic import write_atomically, write_json_atomically
from replica_theory.selection import Calibrated, KeepBetween, KeepEasiest, KeepHardest, KeepRandom, Selection

BYTES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}  # of each unit


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
    test_embeddings: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    test_labels: str | None = None,
    output: Path = Path("scores.parquet"),
    report: Path | None = None,
    images: Path | None = None,
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
    test_embeddings, test_labels
        Test set, for influence.
    output
        .parquet, .csv (the authors' released layout) or .npz; NAME.json beside it is the manifest.
    report
        An .html with correlations, histograms, classes and extreme examples.
    images
        .npy of the images (n, h, w) or (n, h, w, 3), bytes, for the report.
    memory_budget
        Bytes that may be held, such as 2GB.
    seed
        Seed of every random draw.
    """
    join(cluster.coordinator, cluster.num_processes, cluster.process_id)
    from perceptron_pruning.embeddings.score import score

    sources = embeddings if len(embeddings) > 1 else embeddings[0]
    folder = output.with_name(output.name + ".partial")
    try:
        scores = score(
            sources,
            None if labels is None else read_column(labels),
            metrics=metrics[0] if len(metrics) == 1 else metrics,
            out_of_fold=out_of_fold,
            test_embeddings=test_embeddings,
            test_labels=None if test_labels is None else read_column(test_labels),
            ids=_ids(ids, embeddings[0]),
            settings=ScoreSettings(kmeans=kmeans, heads=heads, ridge=ridge, seed=seed),
            memory_budget=bytes_of(memory_budget),
            checkpoint=folder,
            progress=TerminalProgress(),
        )
        written = scores.save(output)
    except KeyboardInterrupt:
        print(f"Interrupted: finished work is in {folder}; the same command goes on there", file=sys.stderr)
        return 130
    except LostProcessError as error:
        print(f"Error: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # an orderly end would wait for the lost process
    print(f"{len(scores)} metrics of {len(scores.row_ids)} examples are in {written}")
    if report is not None:
        from perceptron_pruning.embeddings.report import write_report

        place = part_path(report, scores.context.group.rank, scores.context.group.size)
        print(f"The report is in {write_report(scores, place, images=images)}")
    return 0


def _ids(spec: str | None, embeddings: str) -> np.ndarray | None:
    """Identifiers from the given file, or from clip-retrieval's metadata; None for row numbers."""
    column = metadata_column(Path(embeddings), "image_path") if spec is None else spec
    return None if column is None else read_column(column)


def bytes_of(text: str) -> float:
    """Bytes of a size such as 2GB or 500 MB."""
    number, unit = text.strip()[:-2], text.strip()[-2:].lower()
    try:
        return float(number) * BYTES[unit]
    except (KeyError, ValueError):
        raise ValueError(f"`memory_budget` must be a size such as 2GB or 500MB; got {text}") from None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """The selection rule.

    Attributes
    ----------
    rule
        hardest, easiest, random, or between two quantiles of hardness.
    keep_fraction
        Fraction that is kept, in (0, 1]; between follows from lower and upper.
    lower, upper
        Quantiles for between, 0 = hardest.
    random_share
        Share of the examples that is kept at random, in [0, 1] (a calibrated rule).
    """

    rule: Literal["hardest", "easiest", "random", "between"] = "hardest"
    keep_fraction: float | None = None
    lower: float | None = None
    upper: float | None = None
    random_share: float = 0.0

    def selection(self) -> Selection:
        """The rule of the theory."""
        selection = self._uncalibrated()
        return Calibrated(selection, self.random_share) if self.random_share else selection

    def _uncalibrated(self) -> Selection:
        if self.rule == "between":
            if self.lower is None or self.upper is None or self.keep_fraction is not None:
                raise ValueError("`--rule between` takes `--lower` and `--upper`, and no `--keep-fraction`")
            return KeepBetween(self.lower, self.upper)
        if self.keep_fraction is None or self.lower is not None or self.upper is not None:
            raise ValueError(f"`--rule {self.rule}` takes `--keep-fraction`, and no `--lower` or `--upper`")
        return {"hardest": KeepHardest, "easiest": KeepEasiest, "random": KeepRandom}[self.rule](self.keep_fraction)


def prune_command(
    scores: Path,
    *,
    metric: str | None = None,
    rule: Annotated[RuleOptions, Parameter(name="*")] = RuleOptions(),
    labels: str | None = None,
    class_floor: float = 0.5,
    output: Path = Path("kept.npy"),
    seed: int = 0,
) -> int:
    """Choose the examples to keep from their scores, with a floor for every class.

    Example: perceptron-pruning prune scores.parquet --metric margin --keep-fraction 0.5 --output kept.npy

    Parameters
    ----------
    scores
        .parquet, .csv (also the authors' released scores) or .npz, as `score` writes them; high = keep.
    metric
        Column of the scores; not needed if there is only one.
    labels
        .npy, .npz, .csv, .txt or .parquet; those saved with the scores by default. Without labels no floor.
    class_floor
        Share of its proportional quota that each class is sure of, in [0, 1].
    output
        .npy of row numbers, ascending, or .txt of the identifiers; NAME.json beside it has the class audit.
    seed
        Seed of rules with chance in them.
    """
    if output.suffix not in (".npy", ".txt"):
        raise ValueError(f"`--output` must end in .npy or .txt; got {output}")
    selection = rule.selection()
    identifiers, saved_labels, columns = read_scores(scores)
    chosen = _metric(columns, metric, scores)
    known = saved_labels if labels is None else read_column(labels)
    kept = keep(columns[chosen], selection=selection, labels=known, class_floor=class_floor, seed=seed)
    fraction = selection.keep_fraction
    audits = [] if known is None else class_audit(kept, known, keep_fraction=fraction, class_floor=class_floor)
    _write_kept(output, kept, identifiers)
    settings = {"metric": chosen, "selection": repr(selection), "class_floor": class_floor, "seed": seed}
    _write_prune_manifest(output, scores, settings, len(kept), audits)
    print(f"kept {len(kept)} of {len(identifiers)} examples by {chosen}: {output}")
    if audits:
        print(audit_text(audits))
    return 0


def _metric(columns: dict[str, np.ndarray], metric: str | None, path: Path) -> str:
    """The asked column, or the only one."""
    if metric is None and len(columns) == 1:
        return next(iter(columns))
    if metric not in columns:
        raise ValueError(f"`--metric` must be one of {', '.join(columns)}, the columns of {path}; got {metric}")
    return metric


def _write_kept(output: Path, kept: np.ndarray, identifiers: np.ndarray) -> None:
    """Row numbers as `.npy`, or identifiers as `.txt`."""
    if output.suffix == ".npy":
        write_atomically(output, lambda file: np.save(file, kept))
    else:
        lines = "".join(f"{name}\n" for name in identifiers[kept])
        write_atomically(output, lambda file: file.write(lines.encode()))


def _write_prune_manifest(
    output: Path, scores: Path, settings: dict[str, object], n_kept: int, audits: list[ClassAudit]
) -> None:
    """NAME.json beside the kept indices: scores, rule, class audit, versions."""
    status = scores.stat()
    content = {
        "scores": {"path": str(scores), "sha256": file_digest(scores, status.st_size, status.st_mtime_ns)},
        "settings": settings,
        "kept": n_kept,
        "class_audit": [audit.row() for audit in audits],
        "versions": installed(),
    }
    write_json_atomically(output.with_name(output.name + ".json"), content)
