"""The command ``recommend``."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from perceptron_pruning.commands.preflight import check_folder, only_run
from perceptron_pruning.embeddings.io.columns import read_column
from perceptron_pruning.embeddings.io.open import metadata_column
from perceptron_pruning.embeddings.runtime.progress import TerminalProgress

Many = Parameter(consume_multiple=True)
AROUND = 1.5  # seconds in which Python starts, the picture is drawn and files are written; rates as in `work`


class _Told(TerminalProgress):
    """Says what the command takes besides the recommendation."""

    def say(self, text: str) -> None:
        from perceptron_pruning.embeddings.recommendation.work import slowness

        super().say(f"{text}; {AROUND * slowness():.1f} s more to start, draw and write")


def recommend_command(
    embeddings: str,
    *,
    labels: str,
    ids: str | None = None,
    tolerance: float = 0.005,
    fractions: Annotated[tuple[float, ...] | None, Many] = None,
    quick: bool = False,
    coverage: bool = False,
    student: str = "softmax",
    class_weights: str | None = None,
    folds: int | None = None,
    ridges: Annotated[tuple[float, ...] | None, Many] = None,
    sample_rows: int | None = None,
    seed: int = 0,
    output: Path = Path("recommendation"),
    overwrite: bool = False,
) -> int:
    """Say how much of a labelled pool may be pruned and by which rule, or that it may not.

    The cost is shown first, with a range, once one head is trained. Ctrl-C keeps finished work beside the output; the
    same command resumes from it. The output folder gets the answer, a table of all rules tried (CSV), a picture, the
    kept rows (kept.npy) and a manifest.

    Example: perceptron-pruning recommend embeddings.npy --labels labels.npy --output recommendation

    Parameters
    ----------
    embeddings
        .npy, .npz, .parquet, .safetensors or a folder of such shards; FILE:NAME picks a column or an array.
    labels
        .npy, .npz, .csv, .txt or .parquet; FILE:COLUMN picks a column.
    ids
        Identifiers, in a file of one of these kinds; then kept.txt has those of the kept rows.
    tolerance
        Test error that may be lost against all rows; 0.005 is half a point.
    fractions
        Fractions to keep, in (0, 1). Default 0.1 0.25 0.5 0.7 0.85; with --quick 0.5 0.7.
    quick
        One fold, one ridge, fewer rules: rougher, and some ten times faster.
    coverage
        Race selections beyond rankings at every fraction: strata, k-centre, facility location, herding,
        covariance matching, quotas of classes; and the largest and smallest gradients (GraNd).
    student
        softmax, knn, max_margin or two_layer: advice does not carry over from a head to nearest neighbours.
    class_weights
        balanced, or a .csv with columns label and share: the mix of classes where the student will be used, if it is
        not that of the pool.
    folds
        2 to 5, of a fifth of the rows each. All choose the rules of a pool below 5000 rows, two those of a larger one,
        where the others narrow the intervals. Default 5.
    ridges
        Of the softmax student, each tried with every rule. Default 0.01 0.001; with --quick 0.001.
    sample_rows
        Rows to race on, drawn at random. Default all, of more than 100 000 rows 25 000.
    seed
        Seed of every random draw.
    output
        Folder.
    overwrite
        Whether to replace a folder that is there.
    """
    _check_output(output, overwrite)
    from perceptron_pruning.embeddings.recommend import recommend

    identifiers = _ids(ids, embeddings)
    partial = output.with_name(output.name + ".partial")
    try:
        with only_run(output):
            advice = recommend(
                embeddings,
                read_column(labels),
                tolerance=tolerance,
                fractions=fractions,
                student=student,
                ridges=ridges,
                folds=folds,
                class_weights=_class_weights(class_weights),
                quick=quick,
                coverage=coverage,
                sample_rows=sample_rows,
                seed=seed,
                checkpoint=partial,
                progress=_Told(),
            )
            advice.save(output, ids=identifiers)
    except KeyboardInterrupt:
        print(f"Interrupted: finished work is in {partial}; the same command goes on there", file=sys.stderr)
        return 130
    shutil.rmtree(partial, ignore_errors=True)
    print(advice.text)
    print(f"Table, picture and the {len(advice.kept)} kept rows are in {output}")
    return 0


def _check_output(output: Path, overwrite: bool) -> None:
    """Raises a `ValueError` for an output that could not be written, before any work."""
    if output.is_file():
        raise ValueError(f"`--output` must be a folder; {output} is a file")
    if (output / "recommendation.json").exists() and not overwrite:
        raise ValueError(f"`--output` has a recommendation already: {output}; give another folder, or --overwrite")
    check_folder(output.parent, "--output")


def _ids(spec: str | None, embeddings: str) -> np.ndarray | None:
    column = metadata_column(Path(embeddings), "image_path") if spec is None else spec
    return None if column is None else read_column(column)


def _class_weights(spec: str | None) -> dict[object, float] | str | None:
    """ "balanced" as it is, or label → share from a table."""
    if spec is None or spec == "balanced":
        return spec
    if not spec.endswith(".csv"):
        raise ValueError(f"`--class-weights` must be balanced, or a .csv with columns label and share; got {spec}")
    names, shares = read_column(f"{spec}:label"), read_column(f"{spec}:share")
    if shares.dtype.kind not in "if":
        raise ValueError(f"column share of `{spec}` must hold numbers; got {shares[0]}")
    return dict(zip(names.tolist(), shares.astype(float).tolist(), strict=True))
