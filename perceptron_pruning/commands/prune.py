"""The command ``prune``."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter

from perceptron_pruning.commands.preflight import check_output
from perceptron_pruning.embeddings.class_audit import ClassAudit, audit_text, class_audit
from perceptron_pruning.embeddings.io.columns import read_column
from perceptron_pruning.embeddings.io.tables import read_scores
from perceptron_pruning.embeddings.keep import keep
from perceptron_pruning.embeddings.prune_warnings import (
    doubtful_rows,
    doubtful_warning,
    floor_warning,
    kept_set_probe,
    metric_warning,
    probe_warning,
    ties_warning,
)
from perceptron_pruning.embeddings.runtime.manifest import file_digest, installed
from perceptron_pruning.output.atomic import write_atomically, write_json_atomically
from replica_theory.selection import Calibrated, KeepBetween, KeepEasiest, KeepHardest, KeepRandom, Selection

SUSPICION = "margin_out_of_fold"  # column whose largest scores put labels in doubt


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
    drop_suspects: bool = False,
    embeddings: str | None = None,
    output: Path = Path("kept.npy"),
    seed: int = 0,
) -> int:
    """Choose the examples to keep from their scores, with a floor for every class.

    Warns, in a line each, of classes at their floor, ties at the threshold, doubtful labels that are kept (if the
    scores have margin_out_of_fold), and, given the embeddings, of a rule that loses to random rows.

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
    drop_suspects
        Leave out the rows whose label is in doubt first; needs the column margin_out_of_fold (score --out-of-fold).
    embeddings
        Those of the scores: then a head trained on what is kept is compared with one on as many random rows.
    output
        .npy of row numbers, ascending, or .txt of the identifiers; NAME.json beside it has the class audit.
    seed
        Seed of rules with chance in them.
    """
    check_output(output, (".npy", ".txt"), overwrite=True)
    selection = rule.selection()
    identifiers, saved_labels, columns = read_scores(scores)
    chosen = _metric(columns, metric, scores)
    known = saved_labels if labels is None else read_column(labels)
    if embeddings is not None and known is None:
        raise ValueError(
            "`--embeddings` needs labels for its probe: give `--labels`, or scores that were saved with them"
        )
    if known is not None and len(known) != len(identifiers):
        raise ValueError(f"`--labels` must be one per row of {scores}, {len(identifiers)}; got {len(known)}")
    pool = _without_suspects(columns, scores) if drop_suspects else np.arange(len(identifiers))
    own = None if known is None else known[pool]
    kept = pool[keep(columns[chosen][pool], selection=selection, labels=own, class_floor=class_floor, seed=seed)]
    fraction = selection.keep_fraction
    audits = [] if known is None else class_audit(kept, known, keep_fraction=fraction, class_floor=class_floor)
    warnings = [metric_warning(chosen), floor_warning(audits), ties_warning(kept, columns[chosen], seed)]
    if SUSPICION in columns:
        warnings.append(doubtful_warning(kept, doubtful_rows(columns[SUSPICION])))
    if embeddings is not None and known is not None:
        warnings.append(probe_warning(kept_set_probe(embeddings, known, kept, seed=seed)))
    _write_kept(output, kept, identifiers)
    settings = {"metric": chosen, "selection": repr(selection), "class_floor": class_floor, "seed": seed}
    settings["drop_suspects"] = drop_suspects
    _write_prune_manifest(output, scores, settings, len(kept), audits)
    print(f"kept {len(kept)} of {len(identifiers)} examples by {chosen}: {output}")
    if audits:
        print(audit_text(audits))
    for warning in filter(None, warnings):
        print(f"Warning: {warning}", file=sys.stderr)
    return 0


def _without_suspects(columns: dict[str, np.ndarray], path: Path) -> np.ndarray:
    """Rows whose label is not in doubt, ascending."""
    if SUSPICION not in columns:
        raise ValueError(f"`--drop-suspects` needs the column {SUSPICION} in {path}: score with --out-of-fold")
    rows = np.flatnonzero(~doubtful_rows(columns[SUSPICION]))
    if not rows.size:
        raise ValueError(f"`--drop-suspects` would leave no row of {path}: every label is in doubt")
    return rows


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
